// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"slices"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
)

// TestSeedPolicy compiles the policy that started the project, unchanged.
func TestSeedPolicy(t *testing.T) {
	plan := mustCompile(t, mustParse(t, mustRead(t, "testdata/iris-read-file-sigkill.yaml")))
	if len(plan.Hooks) != 3 {
		t.Fatalf("%d hooks, want 3", len(plan.Hooks))
	}
	if want := []compile.PIDSet{{PID: 1, Namespace: true, Sets: 1}}; !slices.Equal(plan.Process.PIDSets, want) {
		t.Errorf("pid sets %+v, want %+v", plan.Process.PIDSets, want)
	}
	t.Run("fd_install", func(t *testing.T) { seedInstall(t, mustHook(t, plan, "fd_install")) })
	t.Run("close", func(t *testing.T) {
		h := mustHook(t, plan, "close")
		r := h.Rules[0]
		if len(r.FDOps) != 1 || r.FDOps[0] != (compile.FDOp{Kind: compile.FDUnfollow}) || r.Action != "KPROBE_ACTION_UNFOLLOWFD" {
			t.Errorf("rule %+v", r)
		}
		if h.Key.Kind != compile.HookSyscall || h.Slots[0].Type != compile.TypeS32 || len(h.Dims) != 0 {
			t.Errorf("hook %+v", h)
		}
	})
	t.Run("read", func(t *testing.T) { seedRead(t, mustHook(t, plan, "read")) })
}

func seedInstall(t *testing.T, h *compile.Hook) {
	r := h.Rules[0]
	if h.Key.Kind != compile.HookFunction || r.Action != "KPROBE_ACTION_FOLLOWFD" || r.Flags != compile.RulePost {
		t.Errorf("hook %v, rule %+v", h.Key, r)
	}
	if want := (compile.FDOp{Kind: compile.FDFollow, FD: 0, Other: 1}); len(r.FDOps) != 1 || r.FDOps[0] != want {
		t.Errorf("descriptor actions %+v, want %+v", r.FDOps, want)
	}
	inside := compile.ProcessValues{NSPID: 7, Flags: compile.FlagInContainerPIDNS}
	database, host := inside, compile.ProcessValues{}
	database.Sets = 1
	for _, test := range []struct {
		who     string
		process compile.ProcessValues
		path    string
		want    bool
	}{
		{"entered from outside", inside, "/usr/irissys/mgr/iris.key", true},
		{"entered from outside", inside, "/usr/irissys/secrets/a", true},
		{"entered from outside", inside, "/usr/irissys/secrets", false},
		{"entered from outside", inside, "/etc/passwd", false},
		{"the database", database, "/usr/irissys/mgr/iris.key", false},
		{"the host", host, "/usr/irissys/mgr/iris.key", false},
	} {
		m := h.Match(&compile.Values{Process: test.process, Args: []compile.Value{{Int: 3}, {Str: []byte(test.path)}}})
		if got := m[0]&1 != 0; got != test.want {
			t.Errorf("%s, %s: %v, want %v", test.who, test.path, got, test.want)
		}
	}
	if h.Slots[0].Filtered || !h.Slots[1].Filtered {
		t.Errorf("slots %+v: only the path is filtered", h.Slots)
	}
}

func seedRead(t *testing.T, h *compile.Hook) {
	r, g := h.Rules[0], h.Groups[0]
	if r.Flags != compile.RulePost|compile.RuleKill|compile.RuleReturn || r.Action != "KPROBE_ACTION_SIGKILL" || !h.HasReturn {
		t.Errorf("rule %+v", r)
	}
	if g.FunctionName[len(g.FunctionName)-len("_sys_read"):] != "_sys_read" || g.FollowBit != 0 || g.HasReturn || g.Section != "kprobes" || g.Entry != 2 {
		t.Errorf("group %+v", g)
	}
	args := []compile.Value{{Int: 3, Followed: 1}, {}, {}}
	if m := h.Match(&compile.Values{Args: args}); m[0] != 1 {
		t.Errorf("a followed descriptor gives %b", m)
	}
	args[0].Followed = 2
	if m := h.Match(&compile.Values{Args: args}); m[0] != 0 {
		t.Errorf("a descriptor of another policy gives %b", m)
	}
	if !h.Slots[0].Filtered || h.Slots[1].Filtered || !h.Slots[1].ReturnCopy {
		t.Errorf("slots %+v", h.Slots)
	}
}
