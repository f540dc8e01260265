// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/test/lab"
)

// TestModes changes a policy while the agent runs: what monitor mode would
// kill is told and lives, and every change acts at once.
func TestModes(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	secret := mustWrite(t, "secret", secretText)
	file := mustWrite(t, "policy.yaml", mustProtect(t, secret))
	w := a.Watch()
	read := func(step string, want bool) uint32 {
		t.Helper()
		r := lab.Run(t, exec.Command(lab.Reader(t), "read", secret))
		if r.Killed() != want || want == (r.Stdout == secretText) {
			t.Errorf("%s: killed is to be %v: %+v", step, want, r)
		}
		return r.PID
	}
	told := func(pid uint32) *tetragon.ProcessKprobe {
		t.Helper()
		return w.Await("event of the read", func(e *lab.Event) bool {
			return lab.Kprobe(protect)(e) && e.GetProcessKprobe().GetProcess().GetPid().GetValue() == pid
		}).GetProcessKprobe()
	}
	read("no policy", false)
	a.Vedette("tp", "add", file)
	told(read("added", true))
	a.Vedette("tp", "set-mode", protect, "monitor")
	if k := told(read("monitor", false)); k.GetAction() != tetragon.KprobeAction_KPROBE_ACTION_SIGKILL {
		t.Errorf("monitor mode tells %v", k.GetAction())
	}
	if list := a.Vedette("tp", "list"); !strings.Contains(list, "monitor") {
		t.Errorf("the list does not tell the mode:\n%s", list)
	}
	a.Vedette("tp", "set-mode", protect, "enforce")
	told(read("enforce", true))
	a.Vedette("tp", "disable", protect)
	silent := []uint32{read("disabled", false)}
	a.Vedette("tp", "enable", protect)
	told(read("enabled", true))
	a.Vedette("tp", "delete", protect)
	silent = append(silent, read("deleted", false))
	w.Settle()
	for _, pid := range silent {
		if e := w.All(func(e *lab.Event) bool { return e.GetProcessKprobe().GetProcess().GetPid().GetValue() == pid }); len(e) != 0 {
			t.Errorf("event without a policy: %s", lab.JSON(e[0]))
		}
	}
	if out, err := a.TryVedette("tp", "delete", protect); err == nil {
		t.Errorf("deleted twice: %s", out)
	}
}
