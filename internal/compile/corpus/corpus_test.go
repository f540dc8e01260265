// SPDX-License-Identifier: Apache-2.0

package corpus_test

import (
	"reflect"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
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
