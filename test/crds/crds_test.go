// SPDX-License-Identifier: Apache-2.0

// Package crds tests the CustomResourceDefinitions with what the API server itself checks them and its
// objects with. It is a module of its own: the product does not need the API server's libraries.
package crds

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// definition is one of ours, ready to judge objects.
type definition struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

// mustDefinitions reads the definitions, checks them as the API server does when they are applied, and
// returns them by kind.
func mustDefinitions(tb testing.TB) map[string]definition {
	tb.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	names, err := filepath.Glob("../../deploy/crds/*.yaml")
	if err != nil || len(names) != 2 {
		tb.Fatalf("definitions %q: %v", names, err)
	}
	out := map[string]definition{}
	for _, name := range names {
		var external v1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(mustRead(tb, name), &external); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		scheme.Default(&external)
		external.Status.StoredVersions = []string{external.Spec.Versions[0].Name}
		var crd apiextensions.CustomResourceDefinition
		if err := scheme.Convert(&external, &crd, nil); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		for _, err := range crdvalidation.ValidateCustomResourceDefinition(context.Background(), &crd) {
			tb.Errorf("%s: %v", name, err)
		}
		props := crd.Spec.Validation
		if props == nil {
			props = crd.Spec.Versions[0].Schema
		}
		var d definition
		if d.structural, err = schema.NewStructural(props.OpenAPIV3Schema); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		if d.validator, _, err = validation.NewSchemaValidator(props.OpenAPIV3Schema); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		d.rules = cel.NewValidator(d.structural, true, celconfig.PerCallLimit)
		out[crd.Spec.Names.Kind] = d
	}
	return out
}

func mustRead(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// judge returns what the API server says of an object: the fields that it does not know, and the errors.
func judge(tb testing.TB, all map[string]definition, text []byte) []string {
	tb.Helper()
	var object map[string]any
	if err := yaml.Unmarshal(text, &object); err != nil {
		tb.Fatal(err)
	}
	kind, _ := object["kind"].(string)
	d, ok := all[kind]
	if !ok {
		tb.Fatalf("kind %q is not defined", kind)
	}
	var found []string
	unknown := pruning.PruneWithOptions(object, d.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		found = append(found, "unknown field "+path)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, d.structural)
	defaulting.Default(object, d.structural)
	for _, err := range validation.ValidateCustomResource(nil, object, d.validator) {
		found = append(found, err.Error())
	}
	errs, _ := d.rules.Validate(context.Background(), nil, d.structural, object, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range errs {
		found = append(found, err.Error())
	}
	return found
}

// documents are the policies of the files.
func documents(tb testing.TB, patterns ...string) map[string][]byte {
	tb.Helper()
	out := map[string][]byte{}
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			tb.Fatalf("no policies %s: %v", pattern, err)
		}
		for _, name := range names {
			for i, text := range bytes.Split(mustRead(tb, name), []byte("\n---\n")) {
				if bytes.Contains(text, []byte("kind: TracingPolicy")) {
					out[name+" "+strings.Repeat("I", i)] = text
				}
			}
		}
	}
	return out
}

// TestPolicies checks that the API server takes every policy of this repository.
func TestPolicies(t *testing.T) {
	all := mustDefinitions(t)
	found := documents(t, "../../examples/policies/*.yaml", "testdata/good/*.yaml")
	if len(found) < 70 {
		t.Errorf("only %d policies", len(found))
	}
	for name, text := range found {
		for _, complaint := range judge(t, all, text) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

// TestBadPolicies checks that the API server refuses what it can judge, with the message that the file begins with.
func TestBadPolicies(t *testing.T) {
	all := mustDefinitions(t)
	for name, text := range documents(t, "testdata/bad/*.yaml") {
		first, _, _ := strings.Cut(string(text), "\n")
		want := strings.TrimPrefix(first, "# ")
		if got := strings.Join(judge(t, all, text), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestDefaults checks that a field that is not given gets the parser's default.
func TestDefaults(t *testing.T) {
	d := mustDefinitions(t)["TracingPolicy"]
	object := map[string]any{"spec": map[string]any{"kprobes": []any{map[string]any{"call": "sys_read"}}}}
	defaulting.Default(object, d.structural)
	if got := object["spec"].(map[string]any)["kprobes"].([]any)[0].(map[string]any)["syscall"]; got != true {
		t.Errorf("syscall %v, want true", got)
	}
}
