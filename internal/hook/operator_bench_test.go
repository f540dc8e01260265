// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// operatorPolicy is a policy on a raw tracepoint with a selector for each
// filter.
func operatorPolicy(filters []string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: operators}\nspec:\n  tracepoints:\n" +
		"  - subsystem: a\n    event: b\n    raw: true\n    args: [{index: 0, type: int}, {index: 1, type: uint64}, {index: 3, type: string}]\n" +
		"    selectors:\n    - matchArgs: [" + strings.Join(filters, "]\n    - matchArgs: [") + "]\n"
}

// BenchmarkOperators runs programs whose operators match nothing, on a path of
// 30 bytes. In a guest that counts instructions (vmrun -icount) a nanosecond
// is one; what a second operator on the same argument costs is the difference
// to the first alone.
func BenchmarkOperators(b *testing.B) {
	_, engine := mustEngine(b, Options{})
	number, sub := "{index: 0, operator: Equal, values: ['77']}", "{index: 3, operator: SubString, values: [nothing]}"
	for _, c := range []struct {
		name    string
		filters []string
	}{
		{"integer", []string{number}},
		{"integer,integer", []string{number, "{index: 0, operator: Mask, values: ['64']}"}},
		{"integer,CelExpr", []string{number, "{operator: CelExpr, values: ['arg0 == 5 && arg1 > 3']}"}},
		{"Prefix", []string{"{index: 3, operator: Prefix, values: [nothing]}"}},
		{"Prefix,Postfix", []string{"{index: 3, operator: Prefix, values: [nothing]}", "{index: 3, operator: Postfix, values: [nothing]}"}},
		{"SubString", []string{sub}},
		{"SubString,SubStringIgnCase", []string{sub, "{index: 3, operator: SubStringIgnCase, values: [nothing]}"}},
	} {
		b.Run(c.name, func(b *testing.B) { runOperators(b, engine, operatorPolicy(c.filters)) })
	}
}

func runOperators(b *testing.B, engine *Engine, text string) {
	policies, diags := policy.Parse("operators", []byte(text))
	if policy.HasErrors(diags) {
		b.Fatal(diags)
	}
	// Without the kernel's facts: there is no such tracepoint.
	plan, err := compile.Compile(compile.Input{Policies: []compile.InputPolicy{{Policy: policies[0], FollowBit: -1}}})
	mustNil(b, err)
	h := plan.Hooks[0]
	shape, err := engine.shapeAt(h, 1, place{attachment: AttachRawTracepoint, function: h.Key.Name})
	mustNil(b, err)
	p, err := engine.load(h, shape, 2)
	mustLoad(b, err)
	defer p.close()
	mustNil(b, p.write(0, &tables{hook: h, generation: 1, owners: make([]string, len(h.Groups))}))
	mustNil(b, p.use(0))
	path := []byte("/usr/lib/x86_64-linux-gnu/libc\x00")
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&path[0])
	run := &ebpf.RunOptions{Context: [4]uint64{1, 2, 3, uint64(uintptr(unsafe.Pointer(&path[0])))}}
	for b.Loop() {
		if _, err := p.coll.Programs[progRawTracepoint].Run(run); err != nil {
			b.Fatal(err)
		}
	}
}
