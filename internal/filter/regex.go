// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// patterns are regular expressions of which one must match somewhere in the text.
type patterns []*regexp.Regexp

func newPatterns(field string, values []string) (patterns, error) {
	compiled := make(patterns, len(values))
	for i, value := range values {
		if len(value) > maxLength {
			return nil, fmt.Errorf("%s[%d]: %d bytes: at most %d are possible", field, i, len(value), maxLength)
		}
		var err error
		if compiled[i], err = regexp.Compile(value); err != nil {
			return nil, fmt.Errorf("%s[%d]: %q: %w", field, i, value, plainSyntaxError(err))
		}
	}
	return compiled, nil
}

// plainSyntaxError leaves out the expression, which the caller has named already.
func plainSyntaxError(err error) error {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Expr == "" {
		return errors.New(string(e.Code))
	}
	return fmt.Errorf("%v: %q", e.Code, e.Expr)
}

func (p patterns) match(text string) bool {
	return slices.ContainsFunc(p, func(r *regexp.Regexp) bool { return r.MatchString(text) })
}

func (c *compiler) processRegexes(f *tetragon.Filter) error {
	for _, field := range []struct {
		name   string
		values []string
		of     func(*event.Event) *event.Process
		text   func(*event.Process) string
	}{
		{"binary_regex", f.BinaryRegex, ofProcess, binary},
		{"parent_binary_regex", f.ParentBinaryRegex, ofParent, binary},
		{"arguments_regex", f.ArgumentsRegex, ofProcess, arguments},
		{"parent_arguments_regex", f.ParentArgumentsRegex, ofParent, arguments},
		{"namespace_regex", f.NamespaceRegex, ofProcess, namespace},
		{"container_id", shortIDs(f.ContainerId), ofProcess, docker},
	} {
		if len(field.values) == 0 {
			continue
		}
		p, err := newPatterns(field.name, field.values)
		if err != nil {
			return err
		}
		c.add(func(s *Subject) bool {
			process := field.of(s.event)
			return process != nil && p.match(field.text(process))
		})
	}
	return nil
}

func ofProcess(e *event.Event) *event.Process { return e.Process }
func ofParent(e *event.Event) *event.Process  { return e.Parent }
func binary(p *event.Process) string          { return p.Binary }
func arguments(p *event.Process) string       { return p.Arguments }
func docker(p *event.Process) string          { return p.Docker }

// dockerLength is how many characters of a container id an event carries.
const dockerLength = 31

// shortIDs cuts whole container ids to what an event carries of them; else they would never match.
func shortIDs(values []string) []string {
	short := slices.Clone(values)
	for i, value := range short {
		if len(value) > dockerLength && strings.Trim(value, "0123456789abcdef") == "" {
			short[i] = "^" + value[:dockerLength]
		}
	}
	return short
}

func (c *compiler) podRegexes(f *tetragon.Filter) error {
	if len(f.PodRegex) > 0 {
		p, err := newPatterns("pod_regex", f.PodRegex)
		if err != nil {
			return err
		}
		c.pod(func(pod *event.Pod) bool { return p.match(pod.Name) })
	}
	if len(f.ContainerNameRegex) > 0 {
		p, err := newPatterns("container_name_regex", f.ContainerNameRegex)
		if err != nil {
			return err
		}
		c.pod(func(pod *event.Pod) bool { return pod.Container != nil && p.match(pod.Container.Name) })
	}
	return nil
}

// ancestors needs each type of event that the filter selects to carry ancestors.
func (c *compiler) ancestors(f *tetragon.Filter) error {
	if len(f.AncestorBinaryRegex) == 0 {
		return nil
	}
	const field = "ancestor_binary_regex"
	if len(f.EventSet) == 0 {
		return fmt.Errorf("%s: %q: needs an event_set in the same filter", field, f.AncestorBinaryRegex[0])
	}
	for _, kind := range f.EventSet {
		if c.options.Ancestors == nil || !c.options.Ancestors(kind) {
			return fmt.Errorf("%s: %q: events of type %v carry no ancestors (the agent's option --enable-ancestors)",
				field, f.AncestorBinaryRegex[0], kind)
		}
	}
	p, err := newPatterns(field, f.AncestorBinaryRegex)
	if err != nil {
		return err
	}
	c.add(func(s *Subject) bool {
		return slices.ContainsFunc(s.event.Ancestors, func(a *event.Process) bool { return p.match(a.Binary) })
	})
	return nil
}
