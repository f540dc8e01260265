// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/executable/executabletest"
)

// greeted is a policy with a uprobe in a program with a digest, and another hook.
func greeted(path, digest, more string) string {
	return document("digested", fmt.Sprintf(`
uprobes:
- path: %s
  symbols: [greet]
  binaryDigests: ["%s"]
%skprobes:
- call: sys_lseek
  args: [{index: 0, type: int}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["5"]}]}]
`, path, digest, more))
}

const ignoreDigest = "  ignore: {digestVerificationFailure: true}\n"

// TestBinaryDigests checks which program a policy with digests gets into, and what is told of it.
func TestBinaryDigests(t *testing.T) {
	r := mustRig(t)
	s := &stage{rig: r, dir: mustDir(t)}
	built := executabletest.Build(t)
	path := filepath.Join(s.dir, "program")
	content := mustContent(t, built.Path)
	mustWrite(t, path, content)
	right := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
	wrong := "sha256:" + strings.Repeat("00", 32)

	t.Run("another program", func(t *testing.T) {
		err := r.add(t, greeted(path, wrong, ""), "digested")
		if err == nil || !strings.Contains(err.Error(), "expected "+wrong+", found "+right) {
			t.Errorf("added: %v", err)
		}
	})
	t.Run("another program, ignored", func(t *testing.T) {
		r.mustAdd(t, greeted(path, wrong, ignoreDigest), "digested")
		p := r.mustPolicy(t, "digested")
		if p.State != tetragon.TracingPolicyState_TP_STATE_PARTIALLY_ENABLED || !hasStatus(p, tetragon.HookState_STATUS_DIGEST_REJECTED, right) {
			t.Errorf("state %v, hooks %v", p.State, p.HookStatuses)
		}
		s.perform(t, mustStart(t, nil), changing.rowName(0), "digested", []string{"sys_lseek(int 5)"}, 0)
	})
	t.Run("the program", func(t *testing.T) {
		r.mustAdd(t, greeted(path, right, ""), "digested")
		if p := r.mustPolicy(t, "digested"); p.State != tetragon.TracingPolicyState_TP_STATE_ENABLED {
			t.Errorf("state %v", p.State)
		}
		enable := func(on bool) error {
			_, err := r.ConfigureTracingPolicy(context.Background(), &tetragon.ConfigureTracingPolicyRequest{Name: "digested", Enable: &on})
			return err
		}
		mustWrite(t, path, append(content, 0))
		// What is at the path now does not matter to probes that are in force.
		r.mustAdd(t, document("other", "kprobes: [{call: sys_lseek, selectors: [{matchPIDs: [{operator: In, values: [1]}]}]}]"), "other")
		if err := enable(false); err != nil {
			t.Fatal(err)
		}
		if err := enable(true); err == nil || !strings.Contains(err.Error(), "expected "+right) {
			t.Errorf("enabled though the program is another one: %v", err)
		}
		mustWrite(t, path, content)
		if err := enable(true); err != nil {
			t.Error(err)
		}
	})
}

func hasStatus(p *tetragon.TracingPolicyStatus, state tetragon.HookState, caveat string) bool {
	for _, h := range p.HookStatuses {
		if h.State == state && strings.Contains(h.VedetteCaveat, caveat) {
			return true
		}
	}
	return false
}

func mustContent(tb testing.TB, path string) []byte {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// mustWrite puts a new program in the place of what is at a path.
func mustWrite(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.RemoveAll(path); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o755); err != nil {
		tb.Fatal(err)
	}
}
