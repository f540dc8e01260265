// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
)

// Redacted is what stands for text that was taken out.
const Redacted = "*****"

// Redactions take text out of what processes were started with. They are safe for concurrent use, and a
// nil one takes out nothing.
type Redactions struct{ rules []redaction }

// redaction takes out what the groups of its expressions match.
type redaction struct {
	binaries patterns // none: of all binaries
	redact   patterns
}

// ParseRedactions parses redaction filters: JSON objects of the RedactionFilter message, separated by white
// space. It is strict as [ParseList] is.
func ParseRedactions(text string) ([]*tetragon.RedactionFilter, error) {
	var list []*tetragon.RedactionFilter
	err := eachObject(text, func(object json.RawMessage) error {
		f := &tetragon.RedactionFilter{}
		list = append(list, f)
		return unmarshal(object, f)
	})
	return list, err
}

// CompileRedactions compiles redaction filters. The result is nil when there are none. An error names the
// filter and the field: an expression without a group would take out nothing and is one.
func CompileRedactions(list []*tetragon.RedactionFilter) (*Redactions, error) {
	if len(list) > maxFilters {
		return nil, fmt.Errorf("redaction_filters: %d filters: at most %d are possible", len(list), maxFilters)
	}
	var all Redactions
	for i, f := range list {
		rule, err := newRedaction(f)
		if err != nil {
			return nil, fmt.Errorf("redaction_filters[%d].%w", i, err)
		}
		all.rules = append(all.rules, rule)
	}
	if len(all.rules) == 0 {
		return nil, nil
	}
	return &all, nil
}

func newRedaction(f *tetragon.RedactionFilter) (redaction, error) {
	if !proto.Equal(&tetragon.RedactionFilter{Redact: f.GetRedact(), BinaryRegex: f.GetBinaryRegex()}, f) {
		return redaction{}, errors.New("match: is deprecated; binary_regex chooses the binaries")
	}
	switch {
	case len(f.GetRedact()) == 0:
		return redaction{}, errors.New("redact: no expression is given")
	case len(f.GetRedact()) > maxValues || len(f.GetBinaryRegex()) > maxValues:
		return redaction{}, fmt.Errorf("redact: at most %d expressions are possible", maxValues)
	}
	binaries, err := newPatterns("binary_regex", f.GetBinaryRegex())
	if err != nil {
		return redaction{}, err
	}
	redact, err := newPatterns("redact", f.GetRedact())
	if err != nil {
		return redaction{}, err
	}
	for i, expression := range redact {
		if expression.NumSubexp() == 0 {
			return redaction{}, fmt.Errorf("redact[%d]: %q: no group, such as (\\S+), says what to take out", i, expression)
		}
	}
	return redaction{binaries: binaries, redact: redact}, nil
}

// Apply returns the text, the arguments of a process of the binary or the value of one of its environment
// variables, with [Redacted] in place of all that a group matches.
func (r *Redactions) Apply(binary, text string) string {
	if r == nil || text == "" {
		return text
	}
	for _, rule := range r.rules {
		if len(rule.binaries) != 0 && !rule.binaries.match(binary) {
			continue
		}
		for _, expression := range rule.redact {
			text = takeOut(expression, text)
		}
	}
	return text
}

// span is a part of a text, in bytes.
type span struct{ start, end int }

func takeOut(expression *regexp.Regexp, text string) string {
	spans := groups(expression.FindAllStringSubmatchIndex(text, -1))
	if len(spans) == 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	at := 0
	for _, s := range spans {
		if s.start >= at {
			out = append(append(out, text[at:s.start]...), Redacted...)
		}
		at = max(at, s.end) // a group in a group is gone with it
	}
	return string(append(out, text[at:]...))
}

// groups returns what the groups of all matches matched, but for the empty text, in the order of the text.
func groups(matches [][]int) []span {
	var spans []span
	for _, match := range matches {
		for i := 2; i < len(match); i += 2 {
			if match[i] < match[i+1] {
				spans = append(spans, span{match[i], match[i+1]})
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	return spans
}
