// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a finding makes a policy unusable.
type Severity int

// A policy with an error is not returned by [Parse]; one with warnings is.
const (
	SeverityError Severity = iota
	SeverityWarning
)

// String returns the word that diagnostics are printed with.
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one finding in a policy's text.
type Diagnostic struct {
	Severity Severity
	Pos      Pos
	// Path is the field, such as spec.kprobes[0].args[1].type, or "" where
	// the finding is about the text as such.
	Path string
	// Message says what is wrong, in one line.
	Message string
	// Suggestion says what to write instead, or is "".
	Suggestion string
}

// Text returns the message with the suggestion, if there is one.
func (d Diagnostic) Text() string {
	if d.Suggestion == "" {
		return d.Message
	}
	return d.Message + "; " + d.Suggestion
}

// maxDiagnostics bounds how many errors, and how many warnings, are reported of
// one text, so that hostile input cannot make a report of any size.
const maxDiagnostics = 1000

// Error is the error of a policy text that cannot be used. It holds
// everything that was found, warnings too.
type Error struct {
	Source      *Source
	Diagnostics []Diagnostic
}

// Error returns one line for each diagnostic that is an error:
// file:line:column: message.
func (e *Error) Error() string {
	var lines []string
	for _, d := range e.Diagnostics {
		if d.Severity == SeverityError {
			lines = append(lines, place(e.Source, d.Pos)+escape(d.Text()))
		}
	}
	return strings.Join(lines, "\n")
}

// AsError returns an [*Error] of the diagnostics, or nil where none of them is
// an error.
func AsError(src *Source, diags []Diagnostic) error {
	if !HasErrors(diags) {
		return nil
	}
	return &Error{Source: src, Diagnostics: diags}
}

// HasErrors reports whether any of the diagnostics is an error.
func HasErrors(diags []Diagnostic) bool {
	return slices.ContainsFunc(diags, func(d Diagnostic) bool { return d.Severity == SeverityError })
}

// place returns the file:line:column prefix of a position. An unknown
// position leaves line and column out.
func place(src *Source, pos Pos) string {
	var b strings.Builder
	if src != nil && src.Name != "" {
		b.WriteString(escape(src.Name) + ":")
	}
	if pos.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", pos.Line, pos.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	return b.String()
}

// report collects the diagnostics of one text. The same message at the same
// place is kept once: a macro that several selectors use is reported once.
type report struct {
	diags []Diagnostic
	seen  map[reportKey]bool
	// counts is the number of diagnostics by severity; many warnings must
	// not hide an error.
	counts [SeverityWarning + 1]int
}

type reportKey struct {
	pos     Pos
	message string
}

// full reports whether no more errors are recorded.
func (r *report) full() bool { return r.counts[SeverityError] > maxDiagnostics }

// add records a diagnostic unless it is there already or there are too many.
func (r *report) add(d Diagnostic) {
	key := reportKey{d.Pos, d.Message}
	if r.seen[key] || r.counts[d.Severity] > maxDiagnostics {
		return
	}
	if r.counts[d.Severity] == maxDiagnostics {
		d = Diagnostic{Severity: d.Severity, Pos: d.Pos,
			Message: fmt.Sprintf("more than %d %ss, the rest is not shown", maxDiagnostics, d.Severity)}
	}
	if r.seen == nil {
		r.seen = make(map[reportKey]bool)
	}
	r.seen[key] = true
	r.counts[d.Severity]++
	r.diags = append(r.diags, d)
}

// sorted returns the diagnostics in the order of their places.
func (r *report) sorted() []Diagnostic {
	slices.SortStableFunc(r.diags, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return r.diags
}
