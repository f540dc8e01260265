// SPDX-License-Identifier: Apache-2.0

package expression

import "testing"

// TestTreesAreRemembered parses a text once, and understands it anew with other
// types.
func TestTreesAreRemembered(t *testing.T) {
	const text = "arg0 == arg1 && arg0 > 41"
	first, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := parse(text); err != nil || again != first {
		t.Errorf("parsed again: %v", err)
	}
	as := func(types ...Type) error {
		_, err := Parse(text, func(arg uint64) (Type, error) { return types[arg], nil })
		return err
	}
	if err := as(Int, Int); err != nil {
		t.Error(err)
	}
	if err := as(Int, Bool); err == nil {
		t.Error("a number was compared with true or false")
	}
	if err := as(Int, Int); err != nil {
		t.Error(err)
	}
}
