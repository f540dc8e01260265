// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/server"
)

// mustCore starts to watch this machine; take gets all events.
func mustCore(tb testing.TB, take func(*event.Event)) *core {
	tb.Helper()
	if testing.Short() {
		tb.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		tb.Skip("loading BPF programs needs root")
	}
	c, err := newCore(DefaultConfig(), slog.New(slog.NewTextHandler(io.Discard, nil)), take)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.close(); err != nil {
			tb.Error(err)
		}
	})
	if err := c.start(); err != nil {
		tb.Fatal(err)
	}
	return c
}

// readPolicy kills who reads the file.
func readPolicy(name, file string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: " + name + `
spec:
  kprobes:
  - call: sys_read
    args: [{index: 0, type: fd}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: ["` + file + `"]}]
      matchActions: [{action: Sigkill}]
`
}

const unsupported = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: later}
spec:
  kprobes:
  - {call: sys_connect, args: [{index: 0, type: sock}]}
`

func mustAdd(tb testing.TB, s *policySet, text string) {
	tb.Helper()
	if err := s.Add(context.Background(), text, "test"); err != nil {
		tb.Fatal(err)
	}
}

// states are the policies with their states, in the order of the list.
func states(s *policySet) []string {
	var out []string
	for _, p := range s.List("") {
		out = append(out, p.Name+" "+strings.TrimPrefix(p.State.String(), "TP_STATE_")+" "+strings.TrimPrefix(p.Mode.String(), "TP_MODE_"))
	}
	return out
}

func checkStates(tb testing.TB, s *policySet, want ...string) {
	tb.Helper()
	if got := states(s); !slices.Equal(got, want) {
		tb.Fatalf("policies %q, want %q", got, want)
	}
}

func TestPolicyLifeCycle(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	ctx := context.Background()
	ref := server.Ref{Name: "a", Domain: "test"}
	mustAdd(t, s, readPolicy("a", "/no/such/file"))
	checkStates(t, s, "a ENABLED ENFORCE")
	if err := s.Add(ctx, readPolicy("a", "/other"), "test"); !errors.Is(err, server.ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	if err := s.Add(ctx, readPolicy("a", "/other"), "other"); err != nil {
		t.Errorf("the same name in another domain: %v", err)
	}
	if got := s.Domains(); !slices.Equal(got, []string{"other", "test"}) {
		t.Errorf("domains %q", got)
	}
	if err := s.Delete(ctx, server.Ref{Name: "a", Domain: "other"}); err != nil {
		t.Fatal(err)
	}
	monitor, off, on := tetragon.TracingPolicyMode_TP_MODE_MONITOR, false, true
	if err := s.Configure(ctx, ref, &off, &monitor); err != nil {
		t.Fatal(err)
	}
	checkStates(t, s, "a DISABLED MONITOR")
	if st := s.List("test")[0]; st.KernelMemoryBytes != 0 || len(st.HookStatuses) != 0 {
		t.Errorf("a disabled policy holds %d bytes and %d hooks", st.KernelMemoryBytes, len(st.HookStatuses))
	}
	if err := s.Configure(ctx, ref, &on, nil); err != nil {
		t.Fatal(err)
	}
	checkStates(t, s, "a ENABLED MONITOR")
	st := s.List("test")[0]
	if st.KernelMemoryBytes == 0 || len(st.HookStatuses) != 1 || st.HookStatuses[0].VedetteAttachment == "" {
		t.Errorf("an enabled policy: %v", st)
	}
	if err := s.Delete(ctx, ref); err != nil {
		t.Fatal(err)
	}
	checkStates(t, s)
	for name, err := range map[string]error{
		"delete": s.Delete(ctx, ref), "configure": s.Configure(ctx, ref, &on, nil),
	} {
		if !errors.Is(err, server.ErrNotFound) {
			t.Errorf("%s of a policy that is gone: %v", name, err)
		}
	}
}

// TestBrokenPolicyHarmsNoOther adds a policy that cannot be executed beside a
// good one.
func TestBrokenPolicyHarmsNoOther(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	mustAdd(t, s, readPolicy("good", "/no/such/file"))
	err := s.Add(context.Background(), unsupported, "test")
	if err == nil || !strings.Contains(err.Error(), "sock") || !strings.Contains(err.Error(), ":6:") {
		t.Errorf("refused with %v", err)
	}
	checkStates(t, s, "good ENABLED ENFORCE", "later LOAD_ERROR MONITOR_ONLY")
	// What could not be loaded can be replaced.
	mustAdd(t, s, strings.ReplaceAll(readPolicy("later", "/x"), "Sigkill", "Post"))
	checkStates(t, s, "good ENABLED ENFORCE", "later ENABLED MONITOR_ONLY")
	mode := tetragon.TracingPolicyMode_TP_MODE_ENFORCE
	if err := s.Configure(context.Background(), server.Ref{Name: "later", Domain: "test"}, nil, &mode); !errors.Is(err, server.ErrInvalid) {
		t.Errorf("mode of a policy that is monitor only: %v", err)
	}
}

func TestAddBadText(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	for name, text := range map[string]string{
		"empty": "", "not yaml": "{", "unknown field": strings.Replace(readPolicy("x", "/x"), "kprobes", "kprobe", 1),
	} {
		if err := s.Add(context.Background(), text, "test"); !errors.Is(err, server.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	checkStates(t, s)
}

// TestAddFile loads a file with a good and a broken document.
func TestAddFile(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	file := filepath.Join(t.TempDir(), "two.yaml")
	if err := os.WriteFile(file, []byte(readPolicy("good", "/x")+"---\n"+unsupported), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.AddFile(file); err == nil {
		t.Error("no error for the broken document")
	}
	checkStates(t, s, "good ENABLED ENFORCE", "later LOAD_ERROR MONITOR_ONLY")
	if err := s.AddFile(t.TempDir()); err == nil {
		t.Error("a directory was taken for a policy")
	}
}

// TestWarningsAtLoad loads a policy with a selector that never matches, by a
// client and from a file.
func TestWarningsAtLoad(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	never := strings.Replace(readPolicy("never", "/x"), "matchActions", `matchPIDs: [{operator: In, values: [1]}, {operator: NotIn, values: [1]}]
      matchActions`, 1)
	mustAdd(t, s, never)
	file := filepath.Join(t.TempDir(), "never.yaml")
	if err := os.WriteFile(file, []byte(never), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.AddFile(file); err != nil {
		t.Fatal(err)
	}
	const what = "never matches"
	if strings.Count(log.String(), what) != 2 || strings.Count(log.String(), "policy=never") != 2 ||
		strings.Count(log.String(), "line=11 column=48") != 2 || strings.Count(log.String(), "file="+file) != 1 {
		t.Errorf("the log says\n%s", log.String())
	}
}

// TestChangesUnderLoad changes policies from several goroutines at once.
func TestChangesUnderLoad(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		wg.Go(func() {
			for range 5 {
				if err := s.Add(context.Background(), readPolicy(name, "/no/"+name), "test"); err != nil {
					t.Error(err)
				}
				s.List("")
				if err := s.Delete(context.Background(), server.Ref{Name: name, Domain: "test"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	checkStates(t, s)
}

func TestPolicyFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a", "sub/c.yml", "sub/deep/d.yaml"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := policyFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b.yaml"), filepath.Join(dir, "sub/c.yml")}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestBulkRing(t *testing.T) {
	for _, c := range []struct {
		total uint64
		want  uint32
	}{{0, 0}, {1, 64 << 10}, {100 << 10, 128 << 10}, {4 << 20, 4 << 20}, {1 << 40, 1 << 30}} {
		if got := bulkRing(Config{RingBufferTotalSize: c.total}); got != c.want {
			t.Errorf("%d bytes asked for: %d, want %d", c.total, got, c.want)
		}
	}
}

func TestModeOf(t *testing.T) {
	for text, want := range map[string]tetragon.TracingPolicyMode{
		readPolicy("x", "/x"): tetragon.TracingPolicyMode_TP_MODE_ENFORCE,
		strings.ReplaceAll(readPolicy("x", "/x"), "Sigkill", "Post"):                 tetragon.TracingPolicyMode_TP_MODE_MONITOR_ONLY,
		readPolicy("x", "/x") + "  options: [{name: policy-mode, value: monitor}]\n": tetragon.TracingPolicyMode_TP_MODE_MONITOR,
	} {
		policies, diags := policy.Parse("p", []byte(text))
		if policy.HasErrors(diags) {
			t.Fatal(diags)
		}
		if got := modeOf(policies[0]); got != want {
			t.Errorf("mode %v, want %v of\n%s", got, want, text)
		}
	}
}

// TestAgentIsSpared applies a policy that ends everyone who reads a file, and
// reads it: the process with the agent in it goes on.
func TestAgentIsSpared(t *testing.T) {
	s := mustCore(t, func(*event.Event) {}).policies
	file := filepath.Join(t.TempDir(), "read")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, readPolicy("suicide", file))
	if _, err := os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	if got := s.List("")[0].Stats.ActionCounters.Signal; got == 0 {
		t.Error("the policy has not matched: the test proves nothing")
	}
}

func TestTextsOfPoliciesAreEscaped(t *testing.T) {
	g := decodeGroup(compile.Group{Message: "\x1b[2Jhä\n", Tags: []string{"a", "\a"}}, nil)
	if g.Message != `\x1b[2Jhä\n` || !slices.Equal(g.Tags, []string{"a", `\a`}) {
		t.Errorf("message %q, tags %q", g.Message, g.Tags)
	}
}
