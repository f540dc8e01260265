// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"os"
	"regexp"
	"testing"
)

var (
	enums = regexp.MustCompile(`(?s)\nenum (\w+) \{\n(.*?)\n\};`)
	bits  = regexp.MustCompile(`\t(\w+) = 1 << (\d+),`)
)

// TestBits checks that no two flags of an enumeration in the contract are the
// same bit: C does not mind.
func TestBits(t *testing.T) {
	text, err := os.ReadFile("vedette.h")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, enum := range enums.FindAllStringSubmatch(string(text), -1) {
		names := map[string]string{}
		for _, flag := range bits.FindAllStringSubmatch(enum[2], -1) {
			name, bit := flag[1], flag[2]
			if names[bit] != "" {
				t.Errorf("%s: %s and %s are the same bit, %s", enum[1], names[bit], name, bit)
			}
			names[bit] = name
			found++
		}
	}
	if found < 50 {
		t.Errorf("only %d flags are found", found)
	}
}
