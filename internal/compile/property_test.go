// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// The numbers of random policy sets; -short takes the smaller one.
const (
	propertySets      = 12000
	propertySetsShort = 1000
)

// TestCompiledEqualsNaive compares the compiler with the naive implementation
// on random policies and events.
func TestCompiledEqualsNaive(t *testing.T) {
	sets := uint64(propertySets)
	if testing.Short() {
		sets = propertySetsShort
	}
	var events, acted, passed int
	for seed := range sets {
		s := corpus.NewAll(seed)
		if seed%4 == 0 {
			s = corpus.New(seed)
		}
		events += len(s.Events)
		for _, v := range mustAgree(t, s) {
			acted++
			if v.Returned {
				passed++
			}
		}
	}
	t.Logf("%d sets, %d events, %d selectors acted, %d of them satisfied by the return value", sets, events, acted, passed)
	// A corpus in which nothing or everything matches proves little.
	if acted < events || acted > 4*events {
		t.Errorf("%d events made %d selectors act", events, acted)
	}
}

// FuzzCompiledEqualsNaive does the same from seeds that the fuzzer chooses.
func FuzzCompiledEqualsNaive(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed<<32, seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, seed uint64, raw bool) {
		if raw {
			mustAgree(t, corpus.New(seed))
		} else {
			mustAgree(t, corpus.NewAll(seed))
		}
	})
}

// mustAgree fails the test with the smallest policies it finds on which the
// two implementations differ. It returns the verdicts on all events.
func mustAgree(tb testing.TB, s *corpus.Set) []naive.Verdict {
	tb.Helper()
	plan, err := compile.Compile(s.Input())
	if err != nil {
		tb.Fatalf("seed %d: %v\npolicies:\n%s", s.Seed, err, describe(s))
	}
	var all []naive.Verdict
	for i, e := range s.Events {
		got, want := verdicts(plan, e), s.Acting(e)
		if !slices.Equal(got, want) {
			shrink(s, i)
			_, why := differs(s, i)
			tb.Fatalf("seed %d, event %d: %s\nevent: %+v\npolicies:\n%s", s.Seed, i, why, *e, describe(s))
		}
		all = append(all, want...)
	}
	return all
}

func verdicts(plan *compile.Plan, e *naive.Event) []naive.Verdict {
	h := corpus.Hook(plan, e.Hook)
	if h == nil {
		return nil
	}
	return corpus.Verdicts(h, corpus.Values(plan, h, e), e.Return)
}

// differs reports whether the implementations differ on an event, and how.
// Policies that do not compile do not count.
func differs(s *corpus.Set, event int) (bool, string) {
	plan, err := compile.Compile(s.Input())
	if err != nil {
		return false, err.Error()
	}
	got, want := verdicts(plan, s.Events[event]), s.Acting(s.Events[event])
	return !slices.Equal(got, want), fmt.Sprintf("compiled %+v, naive %+v", got, want)
}

// shrink removes policies, entries, selectors and filters as long as the
// implementations still differ on the event.
func shrink(s *corpus.Set, event int) {
	for again := true; again; {
		again = cut(s, event, &s.Policies)
		for _, p := range s.Policies {
			again = cut(s, event, &p.Spec.Kprobes) || again
			again = cut(s, event, &p.Spec.Tracepoints) || again
			for i := range p.Spec.Kprobes {
				again = shrinkSelectors(s, event, &p.Spec.Kprobes[i].Selectors) || again
			}
			for i := range p.Spec.Tracepoints {
				again = shrinkSelectors(s, event, &p.Spec.Tracepoints[i].Selectors) || again
			}
		}
	}
}

func shrinkSelectors(s *corpus.Set, event int, all *[]policy.Selector) bool {
	again := cut(s, event, all)
	for i := range *all {
		one := &(*all)[i]
		again = cut(s, event, &one.MatchArgs) || again
		again = cut(s, event, &one.MatchReturnArgs) || again
		again = cut(s, event, &one.MatchReturnActions) || again
		again = cut(s, event, &one.MatchData) || again
		again = cut(s, event, &one.MatchPIDs) || again
		again = cut(s, event, &one.MatchBinaries) || again
		again = cut(s, event, &one.MatchNamespaces) || again
		again = cut(s, event, &one.MatchCapabilities) || again
		again = cut(s, event, &one.MatchParentBinaries) || again
		again = cut(s, event, &one.MatchNamespaceChanges) || again
		again = cut(s, event, &one.MatchCapabilityChanges) || again
		again = cut(s, event, &one.MatchWorkloads) || again
		for j := range one.MatchArgs {
			again = cut(s, event, &one.MatchArgs[j].Values) || again
		}
	}
	return again
}

// cut removes each element without which the implementations still differ.
func cut[T any](s *corpus.Set, event int, list *[]T) bool {
	removed := false
	for i := 0; i < len(*list); {
		whole := *list
		*list = slices.Delete(slices.Clone(whole), i, i+1)
		if differ, _ := differs(s, event); !differ {
			*list = whole
			i++
			continue
		}
		removed = true
	}
	return removed
}

func describe(s *corpus.Set) string {
	var b strings.Builder
	for i, p := range s.Policies {
		fmt.Fprintf(&b, "%d: kprobes %+v\n   tracepoints %+v\n", i, p.Spec.Kprobes, p.Spec.Tracepoints)
	}
	return b.String()
}
