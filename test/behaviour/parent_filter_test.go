// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"syscall"
	"testing"
)

// TestMatchParentBinaries checks filters on the binary of the parent, or of what the process executed before.
func TestMatchParentBinaries(t *testing.T) { matchParentBinaries.run(t) }

func ofParent(filters string) string { return filtered("matchParentBinaries: [" + filters + "]") }

// childOf lets a child, which executes $DIR/acts/child, do a deed.
func childOf(deed string) func(*actor) {
	return func(a *actor) { a.must(a.actAs(a.copyOfSelf("acts/child"), deed)) }
}

// become executes another binary in the same process, which acts as once does.
func become(a *actor) {
	path := a.copyOfSelf("acts/other")
	a.must(os.Setenv(deedEnv, "once"))
	a.must(syscall.Exec(path, []string{path}, os.Environ()))
}

// beget lets a child, which executes $DIR/acts/other, act as once does.
func beget(a *actor) { a.must(a.actAs(a.copyOfSelf("acts/other"), "once")) }

func init() { deeds["become"], deeds["beget"] = become, beget }

const childFive = "child: " + five

var matchParentBinaries = register(table{name: "match-parent-binaries", rows: []row{
	{name: "In", act: childOf("once"), want: []string{childFive}, spec: ofParent("{operator: In, values: [/bin/x, $SELF]}")},
	{name: "In others", act: childOf("once"), spec: ofParent("{operator: In, values: [$DIR/acts/child]}")},
	{name: "NotIn", act: childOf("once"), spec: ofParent("{operator: NotIn, values: [$SELF]}")},
	{name: "NotIn others", act: childOf("once"), want: []string{childFive}, spec: ofParent("{operator: NotIn, values: [$DIR/acts/child]}")},
	{name: "Prefix", act: childOf("once"), want: []string{childFive}, spec: ofParent("{operator: Prefix, values: [$PARTOFIT]}")},
	{name: "NotPrefix", act: childOf("once"), spec: ofParent("{operator: NotPrefix, values: [$PARTOFIT]}")},
	{name: "Postfix", act: childOf("beget"), want: []string{childFive}, spec: ofParent("{operator: Postfix, values: [/child]}")},
	{name: "NotPostfix", act: childOf("beget"), spec: ofParent("{operator: NotPostfix, values: [/child]}")},
	{name: "the parent only", act: childOf("beget"), spec: ofParent("{operator: In, values: [$SELF]}")},
	{name: "its own binary too", act: childOf("beget"), want: []string{childFive},
		spec: filtered("matchParentBinaries: [{operator: In, values: [$DIR/acts/child]}]\n    matchBinaries: [{operator: In, values: [$DIR/acts/other]}]")},
	{name: "without an exec", act: childOf("family"), want: []string{child, grandchild}, spec: ofParent("{operator: In, values: [$DIR/acts/child]}")},
	{name: "what the process was before", act: childOf("become"), want: []string{childFive}, spec: ofParent("{operator: In, values: [$DIR/acts/child]}")},
	{name: "not what its parent was", act: childOf("become"), spec: ofParent("{operator: In, values: [$SELF]}")},
	{name: "of a process that ran before the policy", early: true, act: once, want: []string{five}, spec: ofParent("{operator: In, values: [$SELF]}")},
	{name: "followChildren", act: then(childOf("once"), childOf("beget")), want: []string{childFive, childFive},
		spec: ofParent("{operator: In, followChildren: true, values: [$SELF]}")},
	{name: "followChildren, not the process itself", act: then(childOf("once"), childOf("beget")), want: []string{childFive},
		spec: ofParent("{operator: In, followChildren: true, values: [$DIR/acts/child]}")},
	{name: "followChildren, what the process was before", act: childOf("become"), want: []string{childFive},
		spec: ofParent("{operator: In, followChildren: true, values: [$DIR/acts/child]}")},
	{name: "NotIn, followChildren", act: then(childOf("once"), childOf("beget")), spec: ofParent("{operator: NotIn, followChildren: true, values: [$SELF]}")},
	{name: "followChildren, running before the policy", early: true, act: once, want: []string{five},
		spec: ofParent("{operator: In, followChildren: true, values: [$SELF]}")},
}, vars: func(tb testing.TB, _ string) map[string]string {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]string{"PARTOFIT": self[:len(self)-1], "SELF": self}
}})
