// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSyntaxErrors(t *testing.T) {
	expectFindings(t, SeverityError, []finding{
		{"empty text", "§", "no policy", ""},
		{"only comments", "§# a\n---\n# b\n---\n", "no policy", ""},
		{"tab", header + "§\tkprobes: []\n", "tab in the indentation", "spaces"},
		{"tab after spaces", header + "  loader: true\n  §\tkprobes: []\n", "tab in the indentation", "spaces"},
		{"unclosed bracket", header + "  §kprobes: [\n  - a\n", "not valid YAML", ""},
		{"unclosed quote", header + "  §kprobes: \"a\n  b: c\n  c: d\n", "not valid YAML", ""},
		{"wrong indentation", header + "  loader: true\n §kprobes: []\n", "not valid YAML", ""},
		{"no colon", header + "  loader\n  §kprobes: []\n", "not valid YAML", ""},
		{"two colons", header + "  §kprobes: a: b\n", "not valid YAML", ""},
		{"text behind the end", "{}\n§a: b\n", "not valid YAML", ""},
		{"unknown anchor", header + "  kprobes: §*foo\n", `anchor "foo" is not defined`, ""},
		{"invalid UTF-8", header + "  # a\u00e9§\xff\xfe\n", "invalid UTF-8: byte 0xff", ""},
		{"NUL", header + "  # §\x00\n", "NUL", ""},
		{"escape", header + "  # §\x1b[31m\n", "control character U+001B", ""},
		{"lone carriage return", header + "  # §\rkprobes: 1\n", "control character U+000D", ""},
		{"line separator", header + "  # §\u2028\n", "control character U+2028", ""},
		{"nesting", "§" + strings.Repeat("[", 20000), "not valid YAML: exceeded max depth", ""},
		{"a scalar", "§hello\n", "expected a policy resource", ""},
		{"a list", "§- a\n", "expected a policy resource", ""},
		{"null document", "§~\n", "expected a policy resource", ""},
		{"other resource", "apiVersion: cilium.io/v1alpha1\nkind: §ConfigMap\ndata: {a: b}\n", `unknown kind "ConfigMap"`, "it is one of TracingPolicy, TracingPolicyNamespaced"},
		{"kind misspelt", "apiVersion: cilium.io/v1alpha1\nkind: §TracingPolcy\nspec: {a: b}\n", "unknown kind", `did you mean "TracingPolicy"?`},
		{"other version", "apiVersion: §cilium.io/v2\nkind: TracingPolicy\n", "unknown API version", "cilium.io/v1alpha1"},
		{"merge itself", "§&a\n<<: *a\n", "merge keys nested deeper", ""},
		{"merge a scalar", header + "  <<: §5\n  loader: true\n", "merge key needs a mapping", ""},
	})
}

// mergeBomb returns a text of merge keys that stands for 9^9 entries.
func mergeBomb() string {
	text := "m0: &m0 {a: 1}"
	for i := range 9 {
		text += fmt.Sprintf(", m%d: &m%d {<<: [%s]}", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d,", i), 9), ","))
	}
	return "<<: [{" + text + "}, *m9]\n"
}

func TestExpansionIsBounded(t *testing.T) {
	args := strings.Repeat("{index: 0, type: int},", 8)
	for name, text := range map[string]string{
		"aliases":    header + "  kprobes:\n  - &k {call: sys_read, args: [" + args + "]}\n" + strings.Repeat("  - *k\n", 12000),
		"merge keys": mergeBomb(),
		"nodes":      kprobe("    tags: [" + strings.Repeat("a,", 450_000) + "]\n"),
	} {
		t.Run(name, func(t *testing.T) {
			policies, diags := Parse("", []byte(text))
			over := slices.ContainsFunc(diags, func(d Diagnostic) bool { return strings.Contains(d.Message, "more than 400000 nodes") })
			if len(policies) != 0 || !over || len(diags) > 3 {
				t.Errorf("%d policies and %d diagnostics: %v", len(policies), len(diags), diags[:min(3, len(diags))])
			}
		})
	}
}

func TestStructureErrors(t *testing.T) {
	expectFindings(t, SeverityError, []finding{
		{"no name", "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  §labels: {}\nspec: {loader: true}\n", `missing required field "name"`, ""},
		{"empty name", "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: §\"\"\nspec: {loader: true}\n", `"name" must not be empty`, ""},
		{"no metadata", "§apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nspec: {loader: true}\n", `missing required field "metadata"`, ""},
		{"no spec", "§apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: a}\n", `missing required field "spec"`, ""},
		{"null spec", "§apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: a}\nspec:\n", `missing required field "spec"`, ""},
		{"no kind", "§apiVersion: cilium.io/v1alpha1\nmetadata: {name: a}\nspec: {loader: true}\n", `missing required field "kind"`, ""},
		{"unknown field", header + "  §lsmhook: []\n", `unknown field "lsmhook"`, `did you mean "lsmhooks"?`},
		{"unknown field of metadata", strings.Replace(header, "  name", "  §nmae: a\n  name", 1) + "  loader: true\n", `unknown field "nmae"`, `did you mean "name"?`},
		{"field in wrong case", header + "  §KProbes: []\n", "unknown field", `did you mean "kprobes"?`},
		{"duplicate field", kprobe("    §call: sys_write\n"), `duplicate field "call", first given on line 7`, ""},
		{"misspelt required field", header + "  kprobes:\n  - §cal: sys_read\n", `unknown field "cal"`, `did you mean "call"?`},
		{"missing call", header + "  kprobes:\n  - §return: false\n", `missing required field "call"`, ""},
		{"mapping for a list", header + "  kprobes:\n    §call: sys_read\n", "expected a list, found a mapping", "begin each element with"},
		{"scalar for a list", kprobe("    tags: §observability\n"), "expected a list, found the string", "write it as a list: [ observability ]"},
		{"list for a mapping", header + "  podSelector:\n    §- a\n", "expected a mapping, found a list", ""},
		{"null element", header + "  kprobes:\n  - §~\n", "expected a mapping, found null", ""},
		{"null in a list of strings", kprobe("    tags: [ ab, §~ ]\n"), "must not be null", ""},
		{"number for a string", kprobe("    message: §55\n"), `expected a string, found the number "55"`, `quote it: "55"`},
		{"boolean for a string", header + "  options:\n  - {name: disable-kprobe-multi, value: §true}\n", "expected a string", `quote it: "true"`},
		{"list for a string", kprobe("    message: §[ ab ]\n"), "expected a string, found a list", ""},
		{"string for a boolean", kprobe("    syscall: §\"false\"\n"), "expected a boolean", "write false without quotes"},
		{"nonsense for a boolean", kprobe("    syscall: §maybe\n"), "expected a boolean", "write true or false"},
		{"number for a boolean", kprobe("    syscall: §1\n"), "expected a boolean", "write true or false"},
		{"string for an integer", kprobe("    args:\n    - {index: §\"1\", type: int}\n"), "expected an integer", "write 1 without quotes"},
		{"word for an integer", kprobe("    args:\n    - {index: §one, type: int}\n"), "expected an integer", ""},
		{"fraction for an integer", kprobe("    args:\n    - {index: §1.5, type: int}\n"), "expected an integer", ""},
		{"negative for unsigned", kprobe("    args:\n    - {index: §-1, type: int}\n"), "out of range, it must be between 0 and 4294967295", ""},
		{"33 bits", kprobe("    args:\n    - {index: §4294967296, type: int}\n"), "out of range", ""},
		{"70 bits", kprobe("    args:\n    - {index: §1180591620717411303424, type: int}\n"), "out of range", ""},
		{"foreign tag", kprobe("    message: §!foo bar\n"), `a value with tag "!foo"`, ""},
		{"foreign tag of a list", kprobe("    tags: §!foo [ ab ]\n"), `a list with tag "!foo"`, ""},
		{"lying tag", kprobe("    args:\n    - {index: §!!int one, type: int}\n"), "expected an integer", ""},
		{"binary", kprobe("    message: §!!binary aGVsbG8=\n"), "!!binary", ""},
		{"key that is a list", kprobe("    ? §[ a ]\n    : b\n"), "field name must be a string, found a list", ""},
		{"key that is a number", header + "  podSelector:\n    matchLabels:\n      §1: a\n", "field name must be a string", ""},
		{"unquoted value", selector("      matchArgs:\n      - {index: 3, operator: Equal, values: [ §1 ]}\n"), "expected a string", `quote it: "1"`},
		{"pid out of range", selector("      matchPIDs:\n      - {operator: In, values: [ 1, §-2 ]}\n"), "out of range", ""},
	})
}

func TestAcceptedForms(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"Kubernetes metadata and status", `
apiVersion: cilium.io/v1alpha1
kind: TracingPolicyNamespaced
metadata:
  name: a.b-c
  namespace: default
  uid: 123
  resourceVersion: "5"
  creationTimestamp: null
  generation: 3
  labels: {a: b}
  annotations: {x/y: "some text: anything"}
  finalizers: [ a ]
  ownerReferences: [ {a: b} ]
  managedFields: [ {manager: kubectl, fieldsV1: {"f:spec": {}}} ]
spec: {loader: true}
status: {anything: [ 1, 2 ]}
`},
		{"JSON", "{\n\t\"apiVersion\": \"cilium.io/v1alpha1\",\n\t\"kind\": \"TracingPolicy\", \"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\"kprobes\": [{\"call\": \"sys_read\", \"tags\": [\"a/b\"]}]}\n}"},
		{"CRLF and byte order mark", "\ufeff" + strings.ReplaceAll(header, "\n", "\r\n") + "  loader: true\r\n"},
		{"no line break at the end", header + "  loader: yes"},
		{"anchors and merge keys", kprobe(`    args: &args
    - &first {index: 0, type: int}
    - {<<: *first, index: 1}
    - {<<: [ *first, {index: 2, label: x} ], index: 2}
  - {call: sys_write, args: *args}
`)},
		{"numbers", kprobe("    args:\n    - {index: 0x0, type: int}\n    - {index: +1, type: int}\n    - {index: 2.0, type: int}\n    - {index: 0o3, type: int}\n    - {index: 0b100, type: int}\n")},
		{"nulls are absent fields", header + "  podSelector: null\n  hostSelector:\n  loader: true\n  kprobes: ~\n"},
		{"directive", "%YAML 1.1\n---\n" + header + "  loader: true\n...\n"},
		{"dates are strings", kprobe("    message: 2020-01-01\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			policies, diags := Parse("test.yaml", []byte(c.text))
			if len(policies) != 1 || len(diags) != 0 {
				t.Errorf("got %d policies and:\n%s", len(policies), render(t, c.text, diags))
			}
		})
	}
}

func TestMergeKeys(t *testing.T) {
	p := mustParse(t, kprobe(`    args:
    - &first {index: 0, type: int, label: one}
    - {<<: *first, index: 1}
    - {<<: [ {label: three, index: 9}, *first ], index: 2}
`))
	var got []Arg
	for _, a := range p.Spec.Kprobes[0].Args {
		a.Pos = Pos{}
		got = append(got, a)
	}
	want := []Arg{{Index: 0, Type: TypeInt, Label: "one"}, {Index: 1, Type: TypeInt, Label: "one"}, {Index: 2, Type: TypeInt, Label: "three"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDocuments(t *testing.T) {
	one := header + "  loader: true\n"
	two := strings.Replace(one, "name: test", "name: two", 1)
	three := strings.Replace(one, "name: test", "name: three", 1)
	text := "# first\n---\n" + one + "---\n---\n# nothing\n--- # broken\nspec: [\n---\n" + two + "...\n---\nkind: Nonsense\n--- \n" + three
	policies, diags := Parse("test.yaml", []byte(text))
	var names []string
	for _, p := range policies {
		names = append(names, p.Metadata.Name)
		if got := p.Source.Line(p.PosOf("metadata.name").Line); got != "  name: "+p.Metadata.Name {
			t.Errorf("position of the name of %s is on line %q", p.Metadata.Name, got)
		}
	}
	if diff := cmp.Diff([]string{"test", "two", "three"}, names); diff != "" {
		t.Error(diff)
	}
	var lines []string
	src := NewSource("", []byte(text))
	for _, d := range diags {
		lines = append(lines, src.Line(d.Pos.Line))
	}
	if diff := cmp.Diff([]string{"spec: [", "kind: Nonsense"}, lines); diff != "" {
		t.Errorf("%s\n%s", diff, render(t, text, diags))
	}
}

func TestTooManyDocuments(t *testing.T) {
	text := strings.Repeat("---\nkind: Nonsense\n", maxDocuments+5)
	_, diags := Parse("", []byte(text))
	if last := diags[len(diags)-1]; !strings.Contains(last.Message, "more than 1000") {
		t.Errorf("last of %d diagnostics: %s", len(diags), last.Text())
	}
	if len(diags) > maxDiagnostics+1 {
		t.Errorf("%d diagnostics", len(diags))
	}
}

func TestSameNameTwice(t *testing.T) {
	one := header + "  loader: true\n"
	expectSecond := one + "---\n" + strings.Replace(one, "name: ", "name: "+marker, 1)
	text, pos := cutMarker(t, expectSecond)
	policies, diags := Parse("", []byte(text))
	if len(policies) != 2 || len(diags) != 1 || diags[0].Pos != pos || diags[0].Severity != SeverityWarning {
		t.Errorf("%d policies\n%s", len(policies), render(t, text, diags))
	}
}

func TestAllErrorsAreCollected(t *testing.T) {
	text := kprobe(`    ags: []
    return: 5
    args:
    - {index: 0, type: intt}
    - {index: 77, type: int}
    - {type: int}
    selectors:
    - matchPIDs:
      - {operator: Inn, values: [ a ]}
      matchBinarys: []
      matchActions:
      - action: Sigkil
      - action: Signal
`)
	_, diags := Parse("test.yaml", []byte(text))
	want := []string{
		`spec.kprobes[0].ags: unknown field "ags"; did you mean "args"?`,
		`spec.kprobes[0].return: expected a boolean, found the number "5"; write true or false`,
		`spec.kprobes[0].args[2].index: missing required field "index"`,
		`spec.kprobes[0].selectors[0].matchPIDs[0].operator: unknown operator "Inn"; did you mean "In"?`,
		`spec.kprobes[0].selectors[0].matchPIDs[0].values[0]: expected an integer, found the string "a"`,
		`spec.kprobes[0].selectors[0].matchBinarys: unknown field "matchBinarys"; did you mean "matchBinaries"?`,
		`spec.kprobes[0].selectors[0].matchActions[0].action: unknown action "Sigkil"; did you mean "Sigkill"?`,
		`spec.kprobes[0].selectors[0].matchActions[1].argSig: action Signal needs argSig, a signal from 1 to 64, not 0`,
	}
	var got []string
	for _, d := range diags {
		got = append(got, d.Path+": "+d.Text())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
