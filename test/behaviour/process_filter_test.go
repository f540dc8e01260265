// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// filtered hooks lseek with a selector.
func filtered(selector string) string {
	return "kprobes:\n- call: sys_lseek\n  args: [{index: 0, type: int}]\n  selectors:\n  - " + selector + "\n"
}

// once is what most rows do: one call, with descriptor number 5.
func once(a *actor) { a.lseek(5, 0) }

// family calls with a descriptor number for each generation.
func family(a *actor) {
	a.lseek(1, 0)
	a.wait(int(fork(2, 3)))
}

const (
	five       = "sys_lseek(int 5)"
	parent     = "sys_lseek(int 1)"
	child      = "child: sys_lseek(int 2)"
	grandchild = "child: sys_lseek(int 3)"
)

// TestMatchPIDs checks filters on process ids, of the host and of pid namespaces, with and without their children.
func TestMatchPIDs(t *testing.T) { matchPIDs.run(t) }

var matchPIDs = register(table{name: "match-pids", rows: []row{
	{name: "In", spec: filtered("matchPIDs: [{operator: In, values: [$PID]}]"), act: family, want: []string{parent}},
	{name: "In others", spec: filtered("matchPIDs: [{operator: In, values: [1, 2]}]"), act: once},
	{name: "In many", spec: filtered("matchPIDs: [{operator: In, values: [1, 2, 3, 4, 5, 6, $PID]}]"), act: once, want: []string{five}},
	{name: "NotIn", spec: filtered("matchPIDs: [{operator: NotIn, values: [$PID]}]"), act: family, want: []string{child, grandchild}},
	{name: "NotIn others", spec: filtered("matchPIDs: [{operator: NotIn, values: [1, 2]}]"), act: once, want: []string{five}},
	{name: "both In and NotIn", spec: filtered("matchPIDs: [{operator: In, values: [$PID]}, {operator: NotIn, values: [$PID]}]"), act: once},
	{
		name: "the second entry counts", act: family, want: []string{child, grandchild},
		spec: filtered("matchPIDs: [{operator: In, followForks: true, values: [$PID]}, {operator: NotIn, values: [$PID]}]"),
	},
	{
		name: "In, followForks", act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchPIDs: [{operator: In, followForks: true, values: [$PID]}]"),
	},
	{
		name: "NotIn, followForks", act: family,
		spec: filtered("matchPIDs: [{operator: NotIn, followForks: true, values: [$PID]}]"),
	},
	{
		name: "NotIn others, followForks", act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchPIDs: [{operator: NotIn, followForks: true, values: [4194300]}]"),
	},
	{
		// The tests' own process began all of them, those that were there before too.
		name: "followForks from an ancestor that forked before the policy", early: true, act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchPIDs: [{operator: In, followForks: true, values: [$TESTPID]}]"),
	},
	{
		name: "followForks across exec", act: execSelf, want: []string{"child: " + five},
		spec: filtered("matchPIDs: [{operator: In, followForks: true, values: [$PID]}]"),
	},
	{
		name: "in a pid namespace, by its own id", start: newPIDs, act: family, want: []string{parent},
		spec: filtered("matchPIDs: [{operator: In, isNamespacePID: true, values: [1]}]"),
	},
	{
		name: "in a pid namespace, not by its own id", start: newPIDs, act: family, want: []string{child, grandchild},
		spec: filtered("matchPIDs: [{operator: NotIn, isNamespacePID: true, values: [1]}]"),
	},
	{
		name: "in a pid namespace, by the host's id", start: newPIDs, act: family, want: []string{parent},
		spec: filtered("matchPIDs: [{operator: In, values: [$PID]}]"),
	},
	{
		name: "in a pid namespace, followForks", start: newPIDs, act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchPIDs: [{operator: In, isNamespacePID: true, followForks: true, values: [1]}]"),
	},
	{
		name: "in a pid namespace, NotIn, followForks", start: newPIDs, act: family,
		spec: filtered("matchPIDs: [{operator: NotIn, isNamespacePID: true, followForks: true, values: [1]}]"),
	},
	{
		name: "in a pid namespace, NotIn 0, followForks", start: newPIDs, act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchPIDs: [{operator: NotIn, isNamespacePID: true, followForks: true, values: [0]}]"),
	},
	{
		name: "the host's processes are in no namespace, NotIn 1, followForks", act: family,
		spec: filtered("matchPIDs: [{operator: NotIn, isNamespacePID: true, followForks: true, values: [1]}]"),
	},
	{
		name: "the host's processes have no id in a namespace, NotIn 1", act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchPIDs: [{operator: NotIn, isNamespacePID: true, values: [1]}]"),
	},
}, vars: func(testing.TB, string) map[string]string {
	return map[string]string{"TESTPID": fmt.Sprint(os.Getpid())}
}})

// newPIDs starts the actor as the first process of a pid namespace.
func newPIDs(l *launch) { l.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWPID }

// execSelf lets a child, which executes this binary under another name, act as once does.
func execSelf(a *actor) { a.must(a.actAs(a.copyOfSelf("acts/child"), "once")) }

// copyOfSelf makes an executable file in the table's directory.
func (a *actor) copyOfSelf(name string) string {
	path := a.dir + "/" + name
	a.must(os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755))
	if _, err := os.Stat(path); err == nil {
		return path // of a row before
	}
	if os.Link("/proc/self/exe", path) == nil {
		return path
	}
	from, err := os.Open("/proc/self/exe")
	a.must(err)
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	a.must(err)
	_, err = io.Copy(to, from)
	a.must(err)
	a.must(to.Close())
	return path
}

// deeds are what children of actors do, by name.
var deeds = map[string]func(*actor){"once": once, "family": family}

// actAs runs a child, of another binary, that does a deed.
func (a *actor) actAs(binary, deed string) error {
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), deedEnv+"="+deed, dirEnv+"="+a.dir)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// TestMatchBinaries checks filters on the executed file.
func TestMatchBinaries(t *testing.T) { matchBinaries.run(t) }

// acting makes a row whose actor has a child that executes $DIR/bin/NAME, which acts.
func acting(name, filter, binary string, matches bool) row {
	r := row{
		name: name, spec: filtered("matchBinaries: [{" + filter + "}]"),
		act: func(a *actor) { a.must(a.actAs(a.copyOfSelf(binary), "once")) },
	}
	if matches {
		r.want = []string{"child: " + five}
	}
	return r
}

// longBinary is a path of more than 256 bytes.
var longBinary = strings.Repeat("bin/"+strings.Repeat("l", 90)+"/", 3) + "end"

var matchBinaries = register(table{name: "match-binaries", rows: []row{
	acting("In", "operator: In, values: [/bin/x, $DIR/bin/a]", "bin/a", true),
	acting("In others", "operator: In, values: [$DIR/bin/aa, $DIR/bin]", "bin/a", false),
	acting("NotIn", "operator: NotIn, values: [$DIR/bin/b]", "bin/b", false),
	acting("NotIn others", "operator: NotIn, values: [$DIR/bin/a]", "bin/b", true),
	acting("Prefix", "operator: Prefix, values: [$DIR/bin/]", "bin/c", true),
	acting("Prefix of others", "operator: Prefix, values: [$DIR/bim, $DIR/bin/d/]", "bin/c", false),
	acting("NotPrefix", "operator: NotPrefix, values: [$DIR/bin/, /x]", "bin/c", false),
	acting("NotPrefix of others", "operator: NotPrefix, values: [/usr]", "bin/c", true),
	acting("Postfix", "operator: Postfix, values: [/e, /d]", "bin/d", true),
	acting("Postfix of others", "operator: Postfix, values: [/dd]", "bin/d", false),
	acting("NotPostfix", "operator: NotPostfix, values: [/d]", "bin/d", false),
	acting("NotPostfix of others", "operator: NotPostfix, values: [/e]", "bin/d", true),
	acting("In, 256 bytes and more", "operator: In, values: [$DIR/$LONG]", longBinary, true),
	acting("In, more bytes of the same beginning", "operator: In, values: [$DIR/$LONGer]", longBinary, false),
	acting("Prefix, 256 bytes and more", "operator: Prefix, values: [$DIR/$PART]", longBinary, true),
	acting("Postfix, 256 bytes and more", "operator: Postfix, values: [/end]", longBinary, true),
	{
		name: "all entries count", act: execSelf,
		spec: filtered("matchBinaries: [{operator: Prefix, values: [$DIR/]}, {operator: NotPostfix, values: [/child]}]"),
	},
	{
		name: "the file itself, not the symbolic link to it", want: []string{"child: " + five},
		spec: filtered("matchBinaries: [{operator: In, values: [$DIR/bin/real]}]"),
		act: func(a *actor) {
			a.copyOfSelf("bin/real")
			a.must(os.Symlink("real", a.dir+"/bin/link"))
			a.must(a.actAs(a.dir+"/bin/link", "once"))
		},
	},
	{
		name: "not the link", spec: filtered("matchBinaries: [{operator: In, values: [$DIR/bin/link2]}]"),
		act: func(a *actor) {
			a.copyOfSelf("bin/real2")
			a.must(os.Symlink("real2", a.dir+"/bin/link2"))
			a.must(a.actAs(a.dir+"/bin/link2", "once"))
		},
	},
	{
		name: "a process that ran before the policy", early: true, act: once, want: []string{five},
		spec: filtered("matchBinaries: [{operator: In, values: [$SELF]}]"),
	},
	{
		name: "inherited by forks", act: family, want: []string{parent, child, grandchild},
		spec: filtered("matchBinaries: [{operator: In, values: [$SELF]}]"),
	},
	{
		name: "lost by exec", act: execSelf,
		spec: filtered("matchBinaries: [{operator: In, values: [$SELF]}]"),
	},
	{
		name: "followChildren", act: then(once, execSelf), want: []string{five, "child: " + five},
		spec: filtered("matchBinaries: [{operator: In, followChildren: true, values: [$SELF]}]"),
	},
	{
		name: "NotIn, followChildren", act: then(once, execSelf),
		spec: filtered("matchBinaries: [{operator: NotIn, followChildren: true, values: [$SELF]}]"),
	},
	{
		name: "followChildren, of the child on", act: then(once, execSelf), want: []string{"child: " + five},
		spec: filtered("matchBinaries: [{operator: In, followChildren: true, values: [$DIR/acts/child]}]"),
	},
	{
		name: "followChildren, running before the policy", early: true, act: then(once, execSelf), want: []string{five, "child: " + five},
		spec: filtered("matchBinaries: [{operator: In, followChildren: true, values: [$SELF]}]"),
	},
}, vars: func(tb testing.TB, _ string) map[string]string {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]string{"SELF": self, "LONG": longBinary, "PART": longBinary[:len(longBinary)-1]}
}})

// TestVeteran checks a process that is older than the agent.
func TestVeteran(t *testing.T) {
	r := mustRig(t)
	s := &stage{rig: r, dir: mustDir(t), actors: []*process{r.veteran}}
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	s.vars = map[string]string{"SELF": self}
	r.mustAdd(t, document(veteranRow.policyName(0), s.expand(veteranRow.rows[0].spec, r.veteran)), veteranRow.policyName(0))
	s.check(t, veteranRow, 0)
}

var veteranRow = register(table{name: "veteran", rows: []row{{
	name: "older than the agent", act: family, want: []string{parent, child, grandchild},
	spec: filtered(`matchBinaries: [{operator: In, values: [$SELF]}]
    matchPIDs: [{operator: In, followForks: true, values: [$PID]}]
    matchNamespaces: [{namespace: Mnt, operator: In, values: [host_ns]}]`),
}}})
