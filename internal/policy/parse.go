// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// APIVersion is the API version of policy resources.
const APIVersion = "cilium.io/v1alpha1"

// envelope is a policy resource as it is written.
type envelope struct {
	APIVersion string   `policy:"apiVersion,required"`
	Kind       Kind     `policy:"kind,required"`
	Metadata   Metadata `policy:"metadata,required"`
	Spec       Spec     `policy:"spec,required"`
}

// Parse parses a text of one or more YAML documents, each of which is one
// policy; JSON is YAML too. It returns the policies without errors and all
// diagnostics in the order of their places. The name is what diagnostics call
// the text.
func Parse(name string, data []byte) ([]*Policy, []Diagnostic) {
	return ParseSource(NewSource(name, data))
}

// ParseSource parses as [Parse] does, a text that is a Source already.
func ParseSource(src *Source) ([]*Policy, []Diagnostic) {
	var r report
	if len(src.Text) > MaxSize {
		r.add(Diagnostic{Pos: Pos{1, 1}, Message: fmt.Sprintf("text of %d bytes is too large, the limit is %d", len(src.Text), MaxSize)})
		return nil, r.diags
	}
	if !checkCharacters(src, &r) {
		return nil, r.sorted()
	}
	var policies []*Policy
	found := false
	for i, doc := range splitDocuments(src.Text) {
		if i == maxDocuments {
			r.add(Diagnostic{Pos: Pos{doc.line + 1, 1}, Message: fmt.Sprintf("more than %d documents, the rest is not read", maxDocuments)})
			break
		}
		root, err := doc.parse()
		if err != nil {
			r.add(Diagnostic{Pos: err.pos, Message: err.message, Suggestion: err.suggestion})
		}
		if root != nil {
			if p := parseDocument(src, root, &r); p != nil {
				policies = append(policies, p)
			}
		}
		found = found || root != nil || err != nil
	}
	if !found {
		r.add(Diagnostic{Pos: Pos{1, 1}, Message: "there is no policy in the text"})
	}
	checkNames(policies, &r)
	return policies, r.sorted()
}

// parseDocument returns the policy of a document, or nil where it has errors.
func parseDocument(src *Source, root *yaml.Node, r *report) *Policy {
	var local report
	d := &decoder{report: &local, pos: newPositions(), failed: newFailures()}
	var e envelope
	if d.checkDepth(root, 0) && d.checkHeader(root) {
		d.decode(root, "", reflect.ValueOf(&e).Elem())
	}
	p := &Policy{Kind: e.Kind, Metadata: e.Metadata, Spec: e.Spec, Source: src, positions: d.pos}
	if e.Kind != "" && !d.exhausted {
		v := &validator{policy: p, report: &local, failed: d.failed}
		v.normalize()
		v.validate()
	}
	for _, diag := range local.diags {
		r.add(diag)
	}
	if HasErrors(local.diags) {
		return nil
	}
	return p
}

// kinds are the kinds that are policies.
var kinds = []Kind{KindTracingPolicy, KindTracingPolicyNamespaced}

// checkHeader reports a document that is some other resource, or no resource
// at all, by its API version and kind only: its other fields are not ours to
// judge.
func (d *decoder) checkHeader(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		d.errorf(root, "", "", "expected a policy resource, found %s", describe(root))
		return false
	}
	ours := true
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i].Value, root.Content[i+1]
		if value.Kind != yaml.ScalarNode || isNull(value) {
			continue
		}
		switch kind := Kind(value.Value); {
		case key == "apiVersion" && value.Value != APIVersion:
			d.errorf(value, "apiVersion", "it must be "+APIVersion, "unknown API version %s", quote(value.Value))
			ours = false
		case key == "kind" && kind != kinds[0] && kind != kinds[1]:
			d.errorf(value, "kind", oneOf(value.Value, kinds), "unknown kind %s", quote(kind))
			ours = false
		}
	}
	return ours
}

// checkNames reports two policies of one text with the same name, of which
// the agent could load only the first.
func checkNames(policies []*Policy, r *report) {
	type key struct{ namespace, name string }
	first := make(map[key]*Policy)
	for _, p := range policies {
		k := key{p.Metadata.Namespace, p.Metadata.Name}
		if before := first[k]; before != nil {
			r.add(p.Diagnose("metadata.name", SeverityWarning, "policy %s is in this text already, on line %d",
				quote(k.name), before.PosOf("metadata.name").Line))
			continue
		}
		first[k] = p
	}
}
