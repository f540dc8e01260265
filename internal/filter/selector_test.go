// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/event"
)

func TestSelector(t *testing.T) {
	labels := event.LabelsOf(map[string]string{"app": "web", "k8s-app": "a", "example.com/tier": "front", "empty": ""})
	for text, want := range map[string]bool{
		"":                                true,
		"  ":                              true,
		"app=web":                         true,
		"app==web":                        true,
		" app = web ":                     true,
		"app=db":                          false,
		"app!=db":                         true,
		"app!=web":                        false,
		"other!=web":                      true,
		"app":                             true,
		"other":                           false,
		"!other":                          true,
		"! app":                           false,
		"k8s-app in (a,b)":                true,
		"k8s-app in ( b , c )":            false,
		"k8s-app notin (b,c)":             true,
		"k8s-app notin (a)":               false,
		"other notin (a)":                 true,
		"other in (a)":                    false,
		"example.com/tier=front":          true,
		"empty=":                          true,
		"app=":                            false,
		"empty in ()":                     true,
		"empty in (,x)":                   true,
		"app=web,k8s-app in (a,b),!other": true,
		"app=web, k8s-app in (b), !other": false,
		"app=web,empty=,example.com/tier": true,
		"in in (in)":                      false,
	} {
		s, err := parseSelector(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := s.matches(labels); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestSelectorErrors(t *testing.T) {
	for text, want := range map[string]string{
		",":                            "column 1: \",\" is not a label's key",
		"a,":                           "column 3: a label's key is missing",
		"a=b c":                        `column 5: unexpected "c": a comma separates requirements`,
		"a in b":                       `column 6: unexpected "b": values are in parentheses`,
		"a in (b":                      `column 8: unexpected ""`,
		"a in (b c)":                   `column 9: unexpected "c"`,
		"a ~ b":                        `column 3: unexpected "~"`,
		"!":                            "column 2: a label's key is missing",
		"!=a":                          "is not a label's key",
		"-a=b":                         `"-a" is not a label's key`,
		"a/b/c=d":                      `"a/b/c" is not a label's key`,
		"a=ü":                          "is not a label's value",
		"a=" + strings.Repeat("v", 64): "is not a label's value",
		strings.Repeat("a", 5000):      "5000 bytes: at most 4096",
	} {
		if _, err := parseSelector(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzSelector(f *testing.F) {
	f.Add("a=b,c in (d,e),!f,g!=h")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSelector(text); err == nil {
			s.matches(event.Labels{{Key: "a", Value: "b"}})
		}
	})
}
