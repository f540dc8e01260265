// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// parentPolicy is a policy about what children of a binary read.
func parentPolicy(name, binary string, follow bool) string {
	return strings.Replace(strings.Replace(childrenOf(name, binary), "matchBinaries", "matchParentBinaries", 1),
		"followChildren: true", "followChildren: "+strconv.FormatBool(follow), 1)
}

// TestParentsThatAreGone has an orphan when policies about its parent come.
func TestParentsThatAreGone(t *testing.T) {
	base, e := mustEngine(t, Options{})
	shell, err := filepath.EvalSymlinks("/bin/sh")
	mustNil(t, err)
	out, err := exec.Command("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!").Output()
	mustNil(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	mustNil(t, err)
	t.Cleanup(func() { mustNil(t, syscall.Kill(pid, syscall.SIGKILL)) })
	orphan := func() (p bpf.Process) {
		mustNil(t, base.shared["vd_processes"].Lookup(uint32(pid), &p))
		return p
	}
	parent := bpf.ProcessID{Pid: orphan().ParentPid, Start: orphan().ParentStart}
	mustApply(t, e, mustPlan(t, parentPolicy("a", shell, false)))
	if got := orphan().ParentBinary[e.process.generation]; got != compile.UnknownClass {
		t.Errorf("class %d of a parent of which nothing is known", got)
	}
	e.SetLineage(func(id bpf.ProcessID) []string {
		if id == parent {
			return []string{shell, "/usr/bin/grandparent"}
		}
		return nil
	})
	for _, policies := range [][]string{
		{parentPolicy("a", shell, false), parentPolicy("b", "/no/such/binary", false)},
		{parentPolicy("b", "/a/binary/before", true), parentPolicy("a", shell, false), parentPolicy("c", "/usr/bin/grandparent", true)},
	} {
		plan := mustPlan(t, policies...)
		mustApply(t, e, plan)
		class, end, _ := plan.Process.Classify(shell)
		_, _, sets := plan.Process.Classify("/usr/bin/grandparent")
		p, g := orphan(), e.process.generation
		if p.ParentBinary[g] != class || p.ParentBinaryEnd[g] != end || class == 0 {
			t.Errorf("classes %d and %d of the parent, want %d and %d", p.ParentBinary[g], p.ParentBinaryEnd[g], class, end)
		}
		if p.ParentSets[g] != sets || p.Sets[g] != sets {
			t.Errorf("sets %b and of the parent %b, want %b", p.Sets[g], p.ParentSets[g], sets)
		}
	}
	var id bpf.ProcessID
	if err := base.process.Maps["vd_origins"].NextKey(nil, &id); err == nil {
		t.Errorf("%+v is left in the map", id)
	}
}
