// SPDX-License-Identifier: Apache-2.0

package policy

import "iter"

// Entry is one hook entry of a policy, whatever its section.
type Entry struct {
	// Section is the name of its list in the spec, "kprobes" for one.
	Section string
	// Index is the entry's place in the list.
	Index     int
	Selectors []Selector
}

// Entries yields the hook entries of all sections, in the order in which
// policies are compiled.
func (s *Spec) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		_ = each("kprobes", s.Kprobes, func(k *Kprobe) []Selector { return k.Selectors }, yield) &&
			each("fentries", s.Fentries, func(k *Kprobe) []Selector { return k.Selectors }, yield) &&
			each("tracepoints", s.Tracepoints, func(t *Tracepoint) []Selector { return t.Selectors }, yield) &&
			each("lsmhooks", s.LsmHooks, func(l *LsmHook) []Selector { return l.Selectors }, yield) &&
			each("uprobes", s.Uprobes, func(u *Uprobe) []Selector { return u.Selectors }, yield) &&
			each("usdts", s.Usdts, func(u *Usdt) []Selector { return u.Selectors }, yield)
	}
}

// each yields the entries of one section; it returns false where the yielding is to end.
func each[T any](section string, list []T, selectors func(*T) []Selector, yield func(Entry) bool) bool {
	for i := range list {
		if !yield(Entry{Section: section, Index: i, Selectors: selectors(&list[i])}) {
			return false
		}
	}
	return true
}
