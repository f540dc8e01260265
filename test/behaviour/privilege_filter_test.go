// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	six      = "sys_lseek(int 6)"
	childSix = "child: sys_lseek(int 6)"
)

// TestMatchNamespaces checks filters on namespaces, by number and as those of the host, before and after a process
// leaves them.
func TestMatchNamespaces(t *testing.T) { matchNamespaces.run(t) }

var matchNamespaces = register(table{name: "match-namespaces", rows: matchNamespaceRows(), vars: func(tb testing.TB, _ string) map[string]string {
	vars := map[string]string{}
	for _, name := range []string{"uts", "net"} {
		link, err := os.Readlink("/proc/self/ns/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		vars["HOST"+strings.ToUpper(name)] = strings.Trim(link, name+":[]")
	}
	return vars
}})

// leaving calls, leaves the host's namespaces, and calls again, itself and as a child.
func leaving(flags int) func(*actor) {
	return func(a *actor) {
		a.lseek(5, 0)
		a.must(unix.Unshare(flags))
		a.lseek(6, 0)
		a.wait(int(fork(6, 0)))
	}
}

func matchNamespaceRows() []row {
	var rows []row
	for _, c := range []struct {
		kind    string
		flag    int
		in, not []string
	}{
		{"Uts", unix.CLONE_NEWUTS, []string{five}, []string{six, childSix}},
		{"Ipc", unix.CLONE_NEWIPC, []string{five}, []string{six, childSix}},
		{"Mnt", unix.CLONE_NEWNS, []string{five}, []string{six, childSix}},
		{"Net", unix.CLONE_NEWNET, []string{five}, []string{six, childSix}},
		{"Cgroup", unix.CLONE_NEWCGROUP, []string{five}, []string{six, childSix}},
		// A process never changes these itself: only its children are elsewhere.
		{"Pid", unix.CLONE_NEWPID, []string{five, six}, []string{childSix}},
		{"PidForChildren", unix.CLONE_NEWPID, []string{five}, []string{six, childSix}},
	} {
		spec := "matchNamespaces: [{namespace: %s, operator: %s, values: [host_ns]}]"
		rows = append(rows,
			row{name: c.kind + " In host_ns", act: leaving(c.flag), want: c.in, spec: filtered(fmt.Sprintf(spec, c.kind, "In"))},
			row{name: c.kind + " NotIn host_ns", act: leaving(c.flag), want: c.not, spec: filtered(fmt.Sprintf(spec, c.kind, "NotIn"))})
	}
	inUser := func(l *launch) {
		l.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		l.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	}
	leave := leaving(unix.CLONE_NEWUTS)
	return append(rows,
		row{name: "User In host_ns", start: inUser, act: once, spec: filtered("matchNamespaces: [{namespace: User, operator: In, values: [host_ns]}]")},
		row{name: "User NotIn host_ns", start: inUser, act: once, want: []string{five},
			spec: filtered("matchNamespaces: [{namespace: User, operator: NotIn, values: [host_ns]}]")},
		row{name: "by number", act: leave, want: []string{five},
			spec: filtered(`matchNamespaces: [{namespace: Uts, operator: In, values: ["1", "$HOSTUTS"]}]`)},
		row{name: "not by number", act: leave, want: []string{six, childSix},
			spec: filtered(`matchNamespaces: [{namespace: Uts, operator: NotIn, values: ["1", "$HOSTUTS"]}]`)},
		row{name: "both of two entries", act: leave, want: []string{six, childSix},
			spec: filtered(`matchNamespaces: [{namespace: Net, operator: In, values: ["$HOSTNET"]}, {namespace: Uts, operator: NotIn, values: [host_ns]}]`)},
		row{name: "capabilities in a user namespace", start: inUser, act: once, want: []string{five},
			spec: filtered("matchCapabilities: [{operator: In, isNamespaceCapability: true, values: [CAP_SYS_ADMIN]}]")},
		row{name: "capabilities in the host's user namespace", act: once,
			spec: filtered("matchCapabilities: [{operator: In, isNamespaceCapability: true, values: [CAP_SYS_ADMIN]}]")},
	)
}

// TestMatchCapabilities checks filters on capabilities, before and after a process gives some up.
func TestMatchCapabilities(t *testing.T) { matchCapabilities.run(t) }

// dropping calls with descriptor number 5, gives up a capability in a set, and calls with 6.
func dropping(set string) func(*actor) {
	return func(a *actor) {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		a.must(unix.Capget(&header, &data[0]))
		a.lseek(5, 0)
		const bit = uint32(1) << unix.CAP_SYS_ADMIN
		data[0].Effective &^= bit
		switch set {
		case "permitted":
			data[0].Permitted &^= bit
		case "inheritable":
			data[0].Inheritable |= bit
		}
		a.must(unix.Capset(&header, &data[0]))
		a.lseek(6, 0)
	}
}

func capabilities(filters string) string { return filtered("matchCapabilities: [" + filters + "]") }

var matchCapabilities = register(table{name: "match-capabilities", rows: []row{
	{name: "effective is the default", act: dropping("effective"), want: []string{five},
		spec: capabilities("{operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "Effective NotIn", act: dropping("effective"), want: []string{six},
		spec: capabilities("{type: Effective, operator: NotIn, values: [CAP_SYS_ADMIN]}")},
	{name: "NotIn means none of them", act: dropping("effective"),
		spec: capabilities("{operator: NotIn, values: [CAP_SYS_ADMIN, CAP_CHOWN]}")},
	{name: "In means any of them", act: dropping("effective"), want: []string{five, six},
		spec: capabilities("{operator: In, values: [CAP_SYS_ADMIN, CAP_CHOWN]}")},
	{name: "Permitted is kept", act: dropping("effective"), want: []string{five, six},
		spec: capabilities("{type: Permitted, operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "Permitted", act: dropping("permitted"), want: []string{five},
		spec: capabilities("{type: Permitted, operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "Inheritable NotIn", act: dropping("inheritable"), want: []string{five},
		spec: capabilities("{type: Inheritable, operator: NotIn, values: [CAP_SYS_ADMIN]}")},
	{name: "Inheritable In", act: dropping("inheritable"), want: []string{six},
		spec: capabilities("{type: Inheritable, operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "both names of one", act: once, want: []string{five},
		spec: capabilities("{operator: In, values: [DAC_OVERRIDE]}, {operator: In, values: [CAP_DAC_OVERRIDE]}")},
	{name: "all entries count", act: dropping("effective"), want: []string{six},
		spec: capabilities("{type: Permitted, operator: In, values: [CAP_SYS_ADMIN]}, {type: Effective, operator: NotIn, values: [CAP_SYS_ADMIN]}")},
}})
