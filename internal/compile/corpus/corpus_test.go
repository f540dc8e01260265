// SPDX-License-Identifier: Apache-2.0

package corpus_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestSameSeed checks that a failure can be repeated from its seed.
func TestSameSeed(t *testing.T) {
	for seed := range uint64(50) {
		if !reflect.DeepEqual(corpus.New(seed), corpus.New(seed)) || !reflect.DeepEqual(corpus.NewAll(seed), corpus.NewAll(seed)) {
			t.Fatalf("seed %d gives two different sets", seed)
		}
	}
	if reflect.DeepEqual(corpus.New(1).Policies, corpus.New(2).Policies) {
		t.Error("two seeds give the same policies")
	}
}

// TestEverythingIsGenerated checks that the corpus has every operator and every type of the policy language.
func TestEverythingIsGenerated(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(600) {
		for _, p := range corpus.NewAll(seed).Policies {
			note(seen, reflect.ValueOf(p.Spec))
		}
	}
	kprobes, _ := policy.FieldAt("spec.kprobes")
	tracepoints, _ := policy.FieldAt("spec.tracepoints")
	wanted := 0
	for _, value := range append(values(kprobes), values(tracepoints)...) {
		wanted++
		if !seen[value] {
			t.Errorf("the corpus has no %s", value)
		}
	}
	if wanted < 100 {
		t.Errorf("%d values wanted: the schema is not read", wanted)
	}
}

// comparing are the fields that say what is compared, and how. Those of labels are not among them: who is meant by
// a label selector is found out before the compiler sees it (internal/workload).
var comparing = map[string]bool{
	"Arg.type": true, "ArgFilter.operator": true, "PIDFilter.operator": true, "BinaryFilter.operator": true,
	"NamespaceFilter.operator": true, "NamespaceFilter.namespace": true, "NamespaceChange.operator": true,
	"CapabilityFilter.operator": true, "CapabilityFilter.type": true,
}

// values are what the fields below one can be, as "Arg.type int".
func values(f policy.Field) []string {
	var out []string
	if name := f.Owner + "." + f.Name; comparing[name] {
		for _, v := range f.Values {
			out = append(out, name+" "+v)
		}
	}
	for _, below := range f.Fields {
		out = append(out, values(below)...)
	}
	return out
}

// note notes what the fields of a value are.
func note(seen map[string]bool, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			note(seen, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			note(seen, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("policy"), ",")
			if v.Field(i).Kind() == reflect.String {
				seen[v.Type().Name()+"."+name+" "+v.Field(i).String()] = true
			}
			note(seen, v.Field(i))
		}
	}
}

// isPointer reports whether an argument of the type points to memory of the
// process.
func isPointer(t compile.SlotType) bool {
	return t == compile.TypeString || t == compile.TypeSockaddr || t == compile.TypeSockaddrUn
}

// TestRawOnly checks what New promises to a test in the kernel.
func TestRawOnly(t *testing.T) {
	for seed := range uint64(100) {
		s := corpus.New(seed)
		plan, err := compile.Compile(s.Input())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range plan.Hooks {
			if h.Key.Kind != compile.HookRawTracepoint || h.NumProc != 0 {
				t.Fatalf("seed %d: hook %+v with %d dimensions of the process", seed, h.Key, h.NumProc)
			}
			for _, slot := range h.Slots {
				if slot.Resolve != "" && slot.Index == 1 {
					continue
				}
				if slot.Index > 4 || (slot.Index > 2) != isPointer(slot.Type) || slot.Index <= 2 && !slot.Type.IsInteger() {
					t.Errorf("seed %d: slot %+v", seed, slot)
				}
			}
		}
		for _, e := range s.Events {
			if corpus.Hook(plan, e.Hook) == nil {
				t.Errorf("seed %d: event on %+v, which no policy uses", seed, e.Hook)
			}
		}
	}
}
