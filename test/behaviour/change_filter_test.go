// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestMatchNamespaceChanges checks filters on changes of namespaces, each of which is told once.
func TestMatchNamespaceChanges(t *testing.T) { matchNamespaceChanges.run(t) }

func nsChanges(filter string) string { return filtered("matchNamespaceChanges: [{" + filter + "}]") }

// unshares calls with 5, leaves namespaces, calls with 6 and 7 and as a child with 6, and leaves others and calls
// with 8.
func unshares(first, second int) func(*actor) {
	return func(a *actor) {
		a.lseek(5, 0)
		a.must(unix.Unshare(first))
		a.lseek(6, 0)
		a.lseek(7, 0)
		a.wait(int(fork(6, 0)))
		a.must(unix.Unshare(second))
		a.lseek(8, 0)
	}
}

const eight = "sys_lseek(int 8)"

var matchNamespaceChanges = register(table{name: "match-namespace-changes", rows: []row{
	{name: "In", act: unshares(unix.CLONE_NEWUTS, unix.CLONE_NEWNET), want: []string{six}, spec: nsChanges("operator: In, values: [Uts]")},
	{name: "In any of several", act: unshares(unix.CLONE_NEWUTS, unix.CLONE_NEWNET), want: []string{six, eight}, spec: nsChanges("operator: In, values: [Net, Uts, Mnt]")},
	{name: "In, the same kind again", act: unshares(unix.CLONE_NEWIPC, unix.CLONE_NEWIPC), want: []string{six, eight}, spec: nsChanges("operator: In, values: [Ipc]")},
	{name: "In others", act: unshares(unix.CLONE_NEWUTS, unix.CLONE_NEWNET), spec: nsChanges("operator: In, values: [Mnt, Ipc, Cgroup, User, Pid, PidForChildren, Time, TimeForChildren]")},
	{name: "NotIn", act: unshares(unix.CLONE_NEWUTS, unix.CLONE_NEWUTS), spec: nsChanges("operator: NotIn, values: [Uts]")},
	{name: "NotIn others", act: unshares(unix.CLONE_NEWUTS, unix.CLONE_NEWNET), want: []string{six}, spec: nsChanges("operator: NotIn, values: [Net]")},
	{name: "Mnt", act: unshares(unix.CLONE_NEWNS, 0), want: []string{six}, spec: nsChanges("operator: In, values: [Mnt]")},
	{name: "Cgroup", act: unshares(unix.CLONE_NEWCGROUP, 0), want: []string{six}, spec: nsChanges("operator: In, values: [Cgroup]")},
	{name: "PidForChildren", act: unshares(unix.CLONE_NEWPID, 0), want: []string{six}, spec: nsChanges("operator: In, values: [PidForChildren]")},
	{
		name: "what other filters keep silent is not told", act: unshares(unix.CLONE_NEWUTS, unix.CLONE_NEWNET), want: []string{eight},
		spec: filtered("matchArgs: [{index: 0, operator: Equal, values: ['8']}]\n    matchNamespaceChanges: [{operator: In, values: [Net]}]"),
	},
	{name: "a process that ran before the policy", early: true, act: unshares(unix.CLONE_NEWUTS, 0), want: []string{six}, spec: nsChanges("operator: In, values: [Uts]")},
}})

// TestMatchCapabilityChanges checks filters on changes of capabilities, each of which is told once.
func TestMatchCapabilityChanges(t *testing.T) { matchCapabilityChanges.run(t) }

func capChanges(filters string) string { return filtered("matchCapabilityChanges: [" + filters + "]") }

// droppingThen calls once more after dropping.
func droppingThen(set string) func(*actor) {
	return then(dropping(set), func(a *actor) { a.lseek(7, 0) })
}

var matchCapabilityChanges = register(table{name: "match-capability-changes", rows: []row{
	{name: "In, effective", act: droppingThen("effective"), want: []string{six}, spec: capChanges("{operator: In, values: [CAP_CHOWN, CAP_SYS_ADMIN]}")},
	{name: "In others", act: droppingThen("effective"), spec: capChanges("{operator: In, values: [CAP_CHOWN]}")},
	{name: "NotIn", act: droppingThen("effective"), spec: capChanges("{operator: NotIn, values: [CAP_SYS_ADMIN]}")},
	{name: "NotIn others", act: droppingThen("effective"), want: []string{six}, spec: capChanges("{operator: NotIn, values: [CAP_CHOWN]}")},
	{name: "Permitted is kept", act: droppingThen("effective"), spec: capChanges("{type: Permitted, operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "Permitted", act: droppingThen("permitted"), want: []string{six}, spec: capChanges("{type: Permitted, operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "gained", act: droppingThen("inheritable"), want: []string{six}, spec: capChanges("{type: Inheritable, operator: In, values: [CAP_SYS_ADMIN]}")},
	{name: "in a user namespace only", act: droppingThen("effective"), spec: capChanges("{operator: In, isNamespaceCapability: true, values: [CAP_SYS_ADMIN]}")},
}})
