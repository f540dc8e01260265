// SPDX-License-Identifier: Apache-2.0

package event

import (
	"maps"
	"testing"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	m := map[string]string{"class": "xwing", "app": "", "org": "alliance"}
	labels := LabelsOf(m)
	for key, want := range m {
		if got, ok := labels.Get(key); !ok || got != want {
			t.Errorf("Get(%q): got %q, %v", key, got, ok)
		}
	}
	for _, key := range []string{"", "b", "zzz"} {
		if got, ok := labels.Get(key); ok {
			t.Errorf("Get(%q): got %q", key, got)
		}
	}
	if got := labels.Map(); !maps.Equal(got, m) {
		t.Errorf("Map: got %v, want %v", got, m)
	}
	if LabelsOf(nil) != nil || Labels(nil).Map() != nil {
		t.Error("no labels must be nil")
	}
}

func TestCapabilityName(t *testing.T) {
	t.Parallel()
	for number, want := range map[int]string{
		0: "CAP_CHOWN", 1: "DAC_OVERRIDE", 21: "CAP_SYS_ADMIN", 40: "CAP_CHECKPOINT_RESTORE", 41: "", -1: "",
	} {
		if got := CapabilityName(number); got != want {
			t.Errorf("%d: got %q, want %q", number, got, want)
		}
	}
}
