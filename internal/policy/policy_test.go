// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// header is the envelope of the policies of tests; the spec's fields follow
// with two spaces of indentation.
const header = "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: test\nspec:\n"

// marker stands in the text of a test in front of the character that a
// diagnostic is expected at.
const marker = "§"

// cutMarker removes the marker from a text and returns where it was.
func cutMarker(tb testing.TB, text string) (string, Pos) {
	tb.Helper()
	before, after, found := strings.Cut(text, marker)
	if !found || strings.Contains(after, marker) {
		tb.Fatalf("text must have the marker %s once:\n%s", marker, text)
	}
	line := strings.Count(before, "\n") + 1
	last := before[strings.LastIndexByte(before, '\n')+1:]
	return before + after, Pos{Line: line, Column: utf8.RuneCountInString(last) + 1}
}

// mustParse parses a text that has one policy and no errors.
func mustParse(tb testing.TB, text string) *Policy {
	tb.Helper()
	policies, diags := Parse("test.yaml", []byte(text))
	if HasErrors(diags) || len(policies) != 1 {
		tb.Fatalf("want one policy, got %d with:\n%s", len(policies), render(tb, text, diags))
	}
	return policies[0]
}

// render returns the diagnostics as they are printed.
func render(tb testing.TB, text string, diags []Diagnostic) string {
	tb.Helper()
	var b strings.Builder
	if err := Render(&b, NewSource("test.yaml", []byte(text)), diags, false); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// mustRead returns the content of a file.
func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// finding is a case of one diagnostic: the text has the marker where it is
// expected.
type finding struct {
	name string
	text string
	// message is part of the message, suggestion of the suggestion.
	message    string
	suggestion string
}

// expectFinding parses the text and expects exactly one diagnostic.
func expectFinding(t *testing.T, c finding, severity Severity) {
	t.Helper()
	text, pos := cutMarker(t, c.text)
	policies, diags := Parse("test.yaml", []byte(text))
	if len(diags) != 1 {
		t.Fatalf("want one diagnostic, got %d:\n%s", len(diags), render(t, text, diags))
	}
	d := diags[0]
	if d.Severity != severity || d.Pos != pos {
		t.Errorf("want %s at %v, got %s at %v:\n%s", severity, pos, d.Severity, d.Pos, render(t, text, diags))
	}
	if !strings.Contains(d.Message, c.message) {
		t.Errorf("message %q lacks %q", d.Message, c.message)
	}
	if !strings.Contains(d.Suggestion, c.suggestion) || (c.suggestion == "") != (d.Suggestion == "") {
		t.Errorf("suggestion is %q, want %q in it", d.Suggestion, c.suggestion)
	}
	if (len(policies) == 1) != (severity == SeverityWarning) {
		t.Errorf("%d policies returned beside a %s", len(policies), severity)
	}
}

func expectFindings(t *testing.T, severity Severity, cases []finding) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expectFinding(t, c, severity) })
	}
}

// kprobe returns a policy with one kprobe on sys_read and further fields of
// it, in lines with four spaces of indentation.
func kprobe(fields string) string {
	return header + "  kprobes:\n  - call: sys_read\n" + fields
}

// selector returns a policy with one kprobe with some arguments and one
// selector, whose fields are in lines with six spaces of indentation.
func selector(fields string) string {
	return kprobe(`    args:
    - {index: 0, type: fd}
    - {index: 1, type: char_buf, sizeArgIndex: 3}
    - {index: 2, type: size_t}
    - {index: 3, type: int}
    - {index: 4, type: sock}
    - {index: 5, type: sockaddr}
    selectors:
    -
` + fields)
}
