// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	words := []string{"call", "return", "returnArg", "returnArgAction", "args", "matchBinaries", "Equal"}
	for word, want := range map[string]string{
		"cal": "call", "clal": "call", "CALL": "call", "arg": "args", "retrun": "return", "matchbinary": "matchBinaries",
		"eq": "Equal", "x": "", "": "", "something": "", strings.Repeat("a", 100): "",
	} {
		if got := closest(word, words); got != want {
			t.Errorf("closest to %q is %q, want %q", word, got, want)
		}
	}
}
