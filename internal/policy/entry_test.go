// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestEntries fills every section that has entries with selectors: all are
// yielded, and not one more after the first that is enough.
func TestEntries(t *testing.T) {
	var s Spec
	var want []string
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		list := v.Field(i)
		if list.Kind() != reflect.Slice || list.Type().Elem().Kind() != reflect.Struct {
			continue
		}
		if _, has := list.Type().Elem().FieldByName("Selectors"); !has {
			continue
		}
		list.Set(reflect.MakeSlice(list.Type(), 2, 2))
		for j := range 2 {
			label := fmt.Sprint(strings.Split(v.Type().Field(i).Tag.Get("policy"), ",")[0], " ", j)
			list.Index(j).FieldByName("Selectors").Set(reflect.ValueOf([]Selector{{Label: label}}))
			want = append(want, label)
		}
	}
	seen := map[string]bool{}
	for e := range s.Entries() {
		label := e.Selectors[0].Label
		if label != fmt.Sprint(e.Section, " ", e.Index) || seen[label] {
			t.Errorf("entry %d of %s has the selectors of %s", e.Index, e.Section, label)
		}
		seen[label] = true
	}
	for _, label := range want {
		if !seen[label] {
			t.Errorf("%s is not yielded", label)
		}
	}
	for range s.Entries() {
		break
	}
	if len(want) < 10 {
		t.Errorf("%d entries filled: the test does not see the sections", len(want))
	}
}
