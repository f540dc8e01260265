// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/vedette-io/vedette/docs/reference"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// names returns everything that the language has, by the names of sections.
func names() []string {
	seen := map[string]bool{}
	var out []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	var walk func([]policy.Field)
	walk = func(fields []policy.Field) {
		for _, f := range fields {
			add(f.Owner + "." + f.Name)
			walk(f.Fields)
			for _, v := range f.Values {
				switch f.Owner + "." + f.Name {
				case "Arg.type":
					add("type " + v)
				case "Action.action":
					add("action " + v)
				case "Option.name":
					add("option " + v)
				case "ArgFilter.operator", "PIDFilter.operator":
					add("operator " + v)
				}
			}
		}
	}
	walk(policy.Schema())
	return out
}

// TestEverythingIsTold checks that each field, type, operator, action and
// option has a section, and that no section tells of something else.
func TestEverythingIsTold(t *testing.T) {
	known := map[string]bool{}
	for _, name := range names() {
		known[name] = true
		if s, ok := reference.Lookup(name); !ok {
			t.Errorf("policy.md does not tell of %s", name)
		} else if s.Text == "" {
			t.Errorf("policy.md:%d: nothing is told of %s", s.Line, name)
		}
	}
	told := map[string]int{}
	for _, s := range reference.Sections() {
		for _, name := range s.Names {
			if !known[name] {
				t.Errorf("policy.md:%d: the language has no %s", s.Line, name)
			}
			if at := told[name]; at != 0 {
				t.Errorf("policy.md:%d: %s was told of in line %d", s.Line, name, at)
			}
			told[name] = s.Line
		}
	}
}

// document makes a policy of an example.
func document(example string) string {
	var b strings.Builder
	b.WriteString("apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: example\nspec:\n")
	for line := range strings.Lines(example) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// TestExamples checks that every example is a policy that can be loaded.
func TestExamples(t *testing.T) {
	for _, s := range reference.Sections() {
		if s.Example == "" {
			continue
		}
		policies, diags := policy.Parse("policy.md", []byte(document(s.Example)))
		if policy.HasErrors(diags) || len(policies) != 1 {
			t.Errorf("policy.md:%d: %v", s.Line, diags)
			continue
		}
		if _, err := compile.Compile(compile.Input{Policies: []compile.InputPolicy{{Policy: policies[0]}}}); err != nil {
			t.Errorf("policy.md:%d: %v", s.Line, err)
		}
	}
}

// withoutExample are the names that no example can show: what needs
// Kubernetes, which the policy's own metadata tell, or what is for its own
// only.
var withoutExample = map[string]bool{
	"Policy.apiVersion": true, "Policy.kind": true, "Policy.metadata": true, "Policy.spec": true,
	"Metadata.name": true, "Metadata.namespace": true, "Metadata.labels": true, "Metadata.annotations": true,
	"Spec.podSelector": true, "Spec.containerSelector": true, "Spec.hostSelector": true, "Spec.nodeSelector": true,
	"WorkloadFilter.podSelector": true, "WorkloadFilter.containerSelector": true,
	"LabelSelector.matchLabels": true, "LabelSelector.matchExpressions": true,
	"LabelExpression.key": true, "LabelExpression.operator": true, "LabelExpression.values": true,
	"option disable-uprobe-multi": true, "option override-method": true, "option sleepable-preload-size": true,
}

// TestEverythingIsShown checks that each name is in some example.
func TestEverythingIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, s := range reference.Sections() {
		var spec yaml.Node
		if err := yaml.Unmarshal([]byte(s.Example), &spec); err != nil {
			t.Fatalf("policy.md:%d: %v", s.Line, err)
		}
		if len(spec.Content) != 0 {
			field, _ := policy.FieldAt("spec")
			show(shown, field, spec.Content[0])
		}
	}
	for _, name := range names() {
		if !shown[name] && !withoutExample[name] {
			t.Errorf("no example of policy.md has %s", name)
		}
	}
}

// show notes what a value of a field has.
func show(shown map[string]bool, f policy.Field, n *yaml.Node) {
	switch {
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			show(shown, f, item)
		}
	case n.Kind == yaml.MappingNode && strings.HasPrefix(f.Type, "map["):
		inner := f
		inner.Type = strings.TrimPrefix(f.Type, "map[string]")
		for i := 1; i < len(n.Content); i += 2 {
			show(shown, inner, n.Content[i])
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			for _, child := range f.Fields {
				if child.Name == n.Content[i].Value {
					shown[child.Owner+"."+child.Name] = true
					show(shown, child, n.Content[i+1])
				}
			}
		}
	case n.Kind == yaml.ScalarNode:
		for owner, kind := range map[string]string{"Arg.type": "type", "Action.action": "action", "Option.name": "option", "ArgFilter.operator": "operator", "PIDFilter.operator": "operator"} {
			if f.Owner+"."+f.Name == owner {
				shown[kind+" "+n.Value] = true
			}
		}
	}
}
