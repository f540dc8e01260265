// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/compile/naive"
)

// manyValues returns n different values of an operator that the benchmark's
// address does not have.
func manyValues(operator string, n int) string {
	var values []string
	for i := range n {
		switch operator {
		case "DPort":
			values = append(values, fmt.Sprintf("%q", fmt.Sprint(2*i+1)))
		case "DAddr":
			addr := netip.AddrFrom4([4]byte{10, byte(i * 7), byte(i >> 8), byte(i)})
			values = append(values, fmt.Sprintf("%q", addr))
		default:
			values = append(values, fmt.Sprintf("%q", fmt.Sprint(20+i)))
		}
	}
	return strings.Join(values, ", ")
}

// BenchmarkNetFilter runs programs whose filters do not match an address, and
// reports what a run takes, which is in instructions where the kernel's clock
// counts those.
func BenchmarkNetFilter(b *testing.B) {
	for _, c := range []struct {
		operator string
		values   int
	}{{"Family", 1}, {"DPort", 1}, {"DPort", 1000}, {"DAddr", 1}, {"DAddr", 1000}} {
		b.Run(fmt.Sprintf("%s-%d", c.operator, c.values), func(b *testing.B) {
			p := mustBenchProgram(b, "sockaddr", c.operator, manyValues(c.operator, c.values))
			runProgramWith(b, p, corpus.Sockaddr(&naive.Net{Family: 2, Source: netip.MustParseAddr("10.7.0.3"), SPort: 40000}))
		})
	}
}

// mustBenchProgram loads the program of a raw tracepoint with one filter on its only
// argument, a pointer.
func mustBenchProgram(b *testing.B, typ, operator, values string) *ebpf.Program {
	b.Helper()
	_, engine := mustEngine(b, Options{})
	plan := mustPlan(b, policyOf("  tracepoints:\n  - subsystem: bench\n    event: bench\n    raw: true\n    args: [{index: 0, type: "+typ+"}]\n"+
		"    selectors: [{matchArgs: [{index: 0, operator: "+operator+", values: ["+values+"]}]}]\n"))
	c := &corpusHook{set: &corpus.Set{}, plan: plan}
	c.load(b, engine, plan.Hooks[0])
	return c.prog.coll.Programs[progRawTracepoint]
}

func runProgramWith(b *testing.B, p *ebpf.Program, pointed []byte) {
	b.Helper()
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	mustNil(b, err)
	defer stats.Close()
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&pointed[0])
	args := [1]uint64{uint64(uintptr(unsafe.Pointer(&pointed[0])))}
	for b.Loop() {
		if _, err := p.Run(&ebpf.RunOptions{Context: args}); err != nil {
			b.Fatal(err)
		}
	}
	s, err := p.Stats()
	mustNil(b, err)
	if s.RunCount != 0 {
		b.ReportMetric(float64(s.Runtime)/float64(s.RunCount), "bpf-ns/op")
	}
}
