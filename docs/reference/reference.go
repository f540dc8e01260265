// SPDX-License-Identifier: Apache-2.0

// Package reference holds what the policy language is told to be: one text,
// which the page policy.md shows and "vedette explain" prints.
package reference

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed policy.md
var page string

// Section is what is told of one or several things of the language.
type Section struct {
	// Names are what the section tells of: fields such as "Kprobe.call", and
	// "type sock", "operator Prefix", "action Sigkill", "option policy-mode".
	Names []string
	// Text is plain text in paragraphs.
	Text string
	// Example is YAML, the part of a policy below "spec:", or empty.
	Example string
	// Line is where the section begins in the page.
	Line int
}

// Sections returns all sections in the order of the page.
func Sections() []Section { return sections() }

var sections = sync.OnceValue(func() []Section { return parse(page) })

// Lookup returns the section that tells of a name, and whether there is one.
func Lookup(name string) (Section, bool) {
	for _, s := range Sections() {
		for _, n := range s.Names {
			if n == name {
				return s, true
			}
		}
	}
	return Section{}, false
}

// parse splits a page at its headings of the second level.
func parse(page string) []Section {
	var out []Section
	var text, example []string
	inExample, inSection := false, false
	end := func() {
		if inSection {
			s := &out[len(out)-1]
			s.Text = strings.TrimSpace(strings.Join(text, "\n"))
			s.Example = strings.Join(example, "\n")
			if s.Example != "" {
				s.Example += "\n"
			}
		}
		text, example = nil, nil
	}
	number := 0
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		number++
		heading, isHeading := strings.CutPrefix(line, "## ")
		switch {
		case strings.HasPrefix(line, "```"):
			inExample = !inExample
		case inExample:
			example = append(example, line)
		case strings.HasPrefix(line, "# "):
			end()
			inSection = false
		case isHeading:
			end()
			inSection = true
			out = append(out, Section{Names: strings.Split(heading, ", "), Line: number})
		default:
			text = append(text, line)
		}
	}
	end()
	return out
}
