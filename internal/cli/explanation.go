// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/vedette-io/vedette/docs/reference"
	"github.com/vedette-io/vedette/internal/nearest"
	"github.com/vedette-io/vedette/internal/policy"
)

// explanation is what is told of one thing of the policy language.
type explanation struct {
	// Name is a field's path, or "operator Prefix" and the like.
	Name     string   `json:"name" yaml:"name"`
	Type     string   `json:"type,omitempty" yaml:"type,omitempty"`
	Required bool     `json:"required,omitempty" yaml:"required,omitempty"`
	Default  string   `json:"default,omitempty" yaml:"default,omitempty"`
	Text     string   `json:"text,omitempty" yaml:"text,omitempty"`
	Values   []string `json:"values,omitempty" yaml:"values,omitempty"`
	Example  string   `json:"example,omitempty" yaml:"example,omitempty"`
	// Fields are those of an object, without their own fields unless all were asked for.
	Fields []explanation `json:"fields,omitempty" yaml:"fields,omitempty"`
}

// resources are the names of the resources, which can stand before a field's path.
var resources = []string{
	"tracingpolicy", "tracingpolicies", "tracingpolicynamespaced", "tracingpoliciesnamespaced", "tgtp", "tgtpn", "tp",
}

// valueKinds are the kinds of names that are no fields, as the reference has them.
var valueKinds = []string{"type", "operator", "action", "option"}

// explain finds what a name stands for: mostly one thing. Without a name it is the whole resource.
func explain(name string, recursive bool) ([]explanation, error) {
	first, rest, _ := strings.Cut(name, ".")
	if slices.Contains(resources, strings.ToLower(first)) {
		name = rest
	}
	if name == "" {
		root := explanation{Name: string(policy.KindTracingPolicy), Text: "A policy: what is hooked, which events match, and what happens then."}
		root.addFields(policy.Schema(), "", recursive)
		return []explanation{root}, nil
	}
	for _, path := range []string{name, "spec." + name} {
		if f, ok := policy.FieldAt(path); ok {
			return []explanation{explainField(f, path, recursive)}, nil
		}
	}
	found := append(explainValues(name), explainSuffix(name, recursive)...)
	if len(found) == 0 {
		return nil, fmt.Errorf("nothing in policies is called %q%s", name, nearest.Suggest(name, spellings))
	}
	return found, nil
}

// explainValues explains the types, operators, actions and options of a name.
func explainValues(name string) []explanation {
	var found []explanation
	for _, kind := range valueKinds {
		full := kind + " " + strings.TrimPrefix(name, kind+".")
		if s, ok := reference.Lookup(full); ok {
			found = append(found, explanation{Name: full, Text: s.Text, Example: s.Example})
		}
	}
	return found
}

// explainSuffix explains the fields of a name, which is the last part of their paths. A field of an object that occurs in
// several places is told once.
func explainSuffix(name string, recursive bool) []explanation {
	var found []explanation
	told := map[string]bool{}
	walkFields(policy.Schema(), "", func(f policy.Field, path string) {
		if owner := f.Owner + "." + f.Name; strings.HasSuffix("."+path, "."+name) && !told[owner] {
			told[owner] = true
			found = append(found, explainField(f, path, recursive))
		}
	})
	return found
}

func explainField(f policy.Field, path string, recursive bool) explanation {
	e := explanation{Name: path, Type: f.Type, Required: f.Required, Default: f.Default, Values: f.Values}
	if s, ok := reference.Lookup(f.Owner + "." + f.Name); ok {
		e.Text, e.Example = s.Text, s.Example
	}
	e.addFields(f.Fields, path+".", recursive)
	return e
}

func (e *explanation) addFields(fields []policy.Field, prefix string, recursive bool) {
	for _, f := range fields {
		child := explainField(f, prefix+f.Name, recursive)
		if !recursive {
			child.Fields, child.Example, child.Values = nil, "", nil
		}
		e.Fields = append(e.Fields, child)
	}
}

// walkFields visits all fields with their paths.
func walkFields(fields []policy.Field, prefix string, visit func(policy.Field, string)) {
	for _, f := range fields {
		visit(f, prefix+f.Name)
		walkFields(f.Fields, prefix+f.Name+".", visit)
	}
}

// explainedNames are all names that can be explained: the paths of fields, and the other names.
func explainedNames() []string {
	var names []string
	walkFields(policy.Schema(), "", func(_ policy.Field, path string) { names = append(names, path) })
	for _, s := range reference.Sections() {
		for _, name := range s.Names {
			if kind, value, ok := strings.Cut(name, " "); ok && slices.Contains(valueKinds, kind) && !slices.Contains(names, value) {
				names = append(names, value)
			}
		}
	}
	return names
}

// spellings yields all names, and the last parts of paths.
func spellings(yield func(string) bool) {
	for _, name := range explainedNames() {
		if !yield(name) || !yield(name[strings.LastIndexByte(name, '.')+1:]) {
			return
		}
	}
}

// text is the explanation as people read it.
func (e *explanation) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", e.Name, e.kind())
	if e.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", indented(e.Text))
	}
	if len(e.Values) > 0 {
		fmt.Fprintf(&b, "\nVALUES\n%s\n", indented(wrapped(e.Values)))
	}
	if e.Example != "" {
		fmt.Fprintf(&b, "\nEXAMPLE\n%s\n", indented(strings.TrimSuffix(e.Example, "\n")))
	}
	if len(e.Fields) > 0 {
		b.WriteString("\nFIELDS\n")
		w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
		e.writeFields(w, e.Name+".")
		w.Flush()
	}
	return b.String()
}

func (e *explanation) writeFields(w *tabwriter.Writer, prefix string) {
	for i := range e.Fields {
		f := &e.Fields[i]
		fmt.Fprintf(w, "  %s\t%s\t%s\n", strings.TrimPrefix(f.Name, prefix), strings.TrimSpace(f.kind()), f.summary())
		f.writeFields(w, prefix)
	}
}

// kind is the type of a field and what else is to be known of giving it.
func (e *explanation) kind() string {
	if e.Type == "" {
		return ""
	}
	kind := " <" + e.Type + ">"
	if e.Required {
		kind += " required"
	}
	if e.Default != "" {
		kind += " default " + e.Default
	}
	return kind
}

// summary is the first sentence of the text.
func (e *explanation) summary() string {
	text := strings.ReplaceAll(e.Text, "\n", " ")
	if i := strings.Index(text, ". "); i >= 0 {
		return text[:i+1]
	}
	return text
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

// wrapped joins words with commas in lines of at most 100 characters.
func wrapped(words []string) string {
	const width = 100
	var b strings.Builder
	column := 0
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
