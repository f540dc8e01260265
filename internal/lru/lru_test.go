// SPDX-License-Identifier: Apache-2.0

package lru

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCache(t *testing.T) {
	l := New[int, string](2)
	var gone []int
	l.Dropped = func(key int, _ string) { gone = append(gone, key) }
	l.Put(1, "a")
	l.Put(2, "b")
	if v, ok := l.Get(1); !ok || v != "a" {
		t.Errorf("%q, %v", v, ok)
	}
	l.Put(3, "c")
	l.Put(3, "d")
	if diff := cmp.Diff([]int{2}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	if v, _ := l.Get(3); v != "d" {
		t.Errorf("%q", v)
	}
	if _, ok := l.Get(2); ok {
		t.Error("what was dropped is there")
	}
}
