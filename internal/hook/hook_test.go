// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/policy"
)

// mustRoot skips where level 2 of the tests cannot run.
func mustRoot(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		tb.Skip("loading BPF programs needs root")
	}
	if err := kernel.Require(); err != nil {
		tb.Fatal(err)
	}
}

// verifierTail is how many lines of the verifier's log a failed test shows.
const verifierTail = 40

// mustLoad fails the test with the end of the verifier's log.
func mustLoad(tb testing.TB, err error) {
	tb.Helper()
	if err == nil {
		return
	}
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		tb.Log(strings.Join(ve.Log[max(0, len(ve.Log)-verifierTail):], "\n"))
	}
	tb.Fatal(err)
}

// mustEngine loads the process programs and an engine on top of them.
func mustEngine(tb testing.TB, opts Options) (*Base, *Engine) {
	tb.Helper()
	mustRoot(tb)
	if opts.CgroupController == 0 {
		opts.CgroupController = -1
	}
	base, err := NewBase(opts)
	mustLoad(tb, err)
	tb.Cleanup(func() { mustNil(tb, base.Close()) })
	tracefs, err := kernel.OpenTracefs()
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, tracefs.Close()) })
	engine, err := NewEngine(base, EngineOptions{Tracefs: tracefs})
	mustLoad(tb, err)
	tb.Cleanup(func() { mustNil(tb, engine.Close()) })
	mustNil(tb, base.Tasks(func([]byte) {}))
	return base, engine
}

func mustNil(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// mustPlan compiles policies given as text.
func mustPlan(tb testing.TB, texts ...string) *compile.Plan {
	tb.Helper()
	plan, err := compiled(tb, TypesOf(kernel.Offered(), nil), texts...)
	mustNil(tb, err)
	return plan
}

// compiled compiles policies given as text, with the types of a kernel or nil.
func compiled(tb testing.TB, types compile.Types, texts ...string) (*compile.Plan, error) {
	tb.Helper()
	in := compile.Input{Types: types}
	for i, text := range texts {
		policies, diags := policy.Parse(fmt.Sprintf("policy%d", i), []byte(text))
		if policy.HasErrors(diags) {
			tb.Fatal(diags)
		}
		for _, p := range policies {
			follow := -1
			if compile.Follows(p) {
				follow = i
			}
			in.Policies = append(in.Policies, compile.InputPolicy{
				Policy: p, FollowBit: follow, Monitor: p.Mode() == policy.ModeMonitor,
			})
		}
	}
	return compile.Compile(in)
}

// mustApply puts a plan into force and returns its hooks.
func mustApply(tb testing.TB, e *Engine, plan *compile.Plan) []Loaded {
	tb.Helper()
	var names []string
	for i := range 2048 {
		names = append(names, fmt.Sprint("policy", i))
	}
	var loaded []Loaded
	mustLoad(tb, e.Apply(plan, names, func(l []Loaded) { loaded = l }))
	return loaded
}

// preadPolicies are policies with together the given number of rules on
// the tracepoint of pread64, none of which any file here matches.
func preadPolicies(rules int) []string {
	const perPolicy = 5
	var out []string
	for first := 0; first < rules; first += perPolicy {
		var b strings.Builder
		fmt.Fprintf(&b, "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: p%d\nspec:\n  tracepoints:\n", first)
		b.WriteString("  - subsystem: syscalls\n    event: sys_enter_pread64\n    args:\n    - index: 5\n      type: fd\n    - index: 7\n      type: size_t\n    selectors:\n")
		for i := first; i < min(first+perPolicy, rules); i++ {
			fmt.Fprintf(&b, "    - matchArgs:\n      - index: 5\n        operator: Prefix\n        values: [\"/no/such/directory/%d/\", \"/tmp/none/%d\"]\n", i, i)
			fmt.Fprintf(&b, "      - index: 7\n        operator: NotEqual\n        values: [\"%d\"]\n", 100000+i)
		}
		out = append(out, b.String())
	}
	return out
}

// BenchmarkRules compares the time that the kernel's program takes for one
// event that no rule matches, with 1 rule and with 1,000 on the same hook.
// Both are measured in the same run by the kernel's own statistics, which do
// not count programs that are reached by a tail call: hence a tracepoint.
func BenchmarkRules(b *testing.B) {
	_, engine := mustEngine(b, Options{})
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	mustNil(b, err)
	defer stats.Close()
	file, err := os.CreateTemp(b.TempDir(), "read")
	mustNil(b, err)
	defer file.Close()
	_, err = file.WriteString("content")
	mustNil(b, err)
	cost := map[int]float64{}
	for _, rules := range []int{1, 1000, 1, 1000} {
		mustApply(b, engine, mustPlan(b, preadPolicies(rules)...))
		cost[rules] += programTime(b, engine, func() {
			buf := make([]byte, 1)
			for range 200_000 {
				if _, err := file.ReadAt(buf, 0); err != nil {
					b.Fatal(err)
				}
			}
		}) / 2
	}
	b.ReportMetric(cost[1], "ns/event-1-rule")
	b.ReportMetric(cost[1000], "ns/event-1000-rules")
	b.ReportMetric(cost[1000]/cost[1], "ratio")
}

// programTime is how long one run of the only hook's program takes on
// average while f runs, in nanoseconds.
func programTime(b *testing.B, e *Engine, f func()) float64 {
	b.Helper()
	for _, h := range e.hooks {
		prog := h.post.coll.Programs["vd_at_tracepoint"]
		before, err := prog.Stats()
		mustNil(b, err)
		f()
		after, err := prog.Stats()
		mustNil(b, err)
		if after.RunCount == before.RunCount {
			b.Fatal("the program did not run")
		}
		return float64(after.Runtime-before.Runtime) / float64(after.RunCount-before.RunCount)
	}
	b.Fatal("no hook")
	return 0
}
