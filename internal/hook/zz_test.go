package hook

import (
	"fmt"
	"github.com/cilium/ebpf"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func rawPolicy(rules ...string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: x}\nspec:\n  tracepoints:\n  - subsystem: a\n    event: b\n    raw: true\n    args: [{index: 0, type: int}, {index: 1, type: uint64}, {index: 3, type: string}, {index: 4, type: string}]\n    selectors:\n    - matchArgs: [" + strings.Join(rules, "]\n    - matchArgs: [") + "]\n"
}

func many(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf("value-%d", i*7919))
	}
	return strings.Join(s, ", ")
}

func TestZZ(t *testing.T) {
	_, engine := mustEngine(t, Options{})
	for _, c := range []struct {
		name  string
		rules []string
	}{
		{"int", []string{"{index: 0, operator: Equal, values: ['77']}"}},
		{"int2", []string{"{index: 0, operator: Equal, values: ['77']}", "{index: 1, operator: Equal, values: ['77']}"}},
		{"cel1", []string{"{index: 0, operator: Equal, values: ['77']}", "{operator: CelExpr, values: ['arg0 == 77']}"}},
		{"cel2", []string{"{index: 0, operator: Equal, values: ['77']}", "{operator: CelExpr, values: ['arg0 == 5 && arg1 > 3']}"}},
		{"cel3", []string{"{index: 0, operator: Equal, values: ['77']}", "{operator: CelExpr, values: ['arg0 * 2 + 1 == 55 || and(arg1, 0xffu) == 3u || uint32(arg0) > 100u']}"}},
		{"equal", []string{"{index: 3, operator: Equal, values: [nothing]}"}},
		{"prefix", []string{"{index: 3, operator: Prefix, values: [nothing]}"}},
		{"prefix+postfix", []string{"{index: 3, operator: Prefix, values: [nothing]}", "{index: 3, operator: Postfix, values: [nothing]}"}},
		{"sub", []string{"{index: 3, operator: SubString, values: [nothing]}"}},
		{"prefix+sub", []string{"{index: 3, operator: Prefix, values: [nothing]}", "{index: 3, operator: SubString, values: [nothing]}"}},
		{"sub+fold", []string{"{index: 3, operator: SubString, values: [nothing]}", "{index: 3, operator: SubStringIgnCase, values: [nothing]}"}},
		{"sub+fold1000", []string{"{index: 3, operator: SubString, values: [nothing]}", "{index: 3, operator: SubStringIgnCase, values: [" + many(1000) + "]}"}},
	} {
		plan := mustPlan(t, rawPolicy(c.rules...))
		h := plan.Hooks[0]
		shape, err := engine.shapeAt(h, 1, place{attachment: AttachRawTracepoint, function: h.Key.Name})
		mustNil(t, err)
		before := time.Now()
		p, err := engine.load(h, shape, 2)
		mustLoad(t, err)
		took := time.Since(before)
		mustNil(t, p.write(0, &tables{hook: h, generation: 1, owners: make([]string, len(h.Groups))}))
		mustNil(t, p.use(0))
		out := ""
		for _, n := range []int{0, 30, 100, 4000} {
			text := append([]byte(strings.Repeat("/usr/lib64/x", 400)[:n]), 0)
			var pins runtime.Pinner
			pins.Pin(&text[0])
			opts := &ebpf.RunOptions{Context: [5]uint64{1, 2, 3, uint64(uintptr(unsafe.Pointer(&text[0]))), uint64(uintptr(unsafe.Pointer(&text[0])))}}
			best := math.Inf(1)
			for range 12 {
				start := time.Now()
				for range 100 {
					if _, err := p.coll.Programs[progRawTracepoint].Run(opts); err != nil {
						t.Fatal(err)
					}
				}
				best = min(best, float64(time.Since(start))/100)
			}
			pins.Unpin()
			out += fmt.Sprintf(" %d:%.0f", n, best)
		}
		i, _ := p.coll.Programs[progRawTracepoint].Info(); vi, _ := i.VerifiedInstructions(); t.Log(vi, c.name, out, "load", took, "memory", p.memoryBytes())
		p.close()
	}
}
