// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/vedette-io/vedette/internal/policy"
)

// Group and Version are those of the resources, as [policy.APIVersion] has them.
const (
	Group   = "cilium.io"
	Version = "v1alpha1"
)

// Definition is a CustomResourceDefinition, as far as ours use it.
type Definition struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   Metadata `yaml:"metadata"`
	Spec       Spec     `yaml:"spec"`
}

// Metadata is a definition's metadata.
type Metadata struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels,omitempty"`
}

// Spec says which resource is defined.
type Spec struct {
	Group    string            `yaml:"group"`
	Names    Names             `yaml:"names"`
	Scope    string            `yaml:"scope"`
	Versions []ResourceVersion `yaml:"versions"`
}

// Names are the names of a resource.
type Names struct {
	Kind       string   `yaml:"kind"`
	ListKind   string   `yaml:"listKind"`
	Plural     string   `yaml:"plural"`
	Singular   string   `yaml:"singular"`
	ShortNames []string `yaml:"shortNames"`
	Categories []string `yaml:"categories"`
}

// ResourceVersion is one version of a resource.
type ResourceVersion struct {
	Name         string          `yaml:"name"`
	Served       bool            `yaml:"served"`
	Storage      bool            `yaml:"storage"`
	Columns      []Column        `yaml:"additionalPrinterColumns"`
	Subresources map[string]any  `yaml:"subresources"`
	Schema       VersionedSchema `yaml:"schema"`
}

// VersionedSchema holds the schema of a version.
type VersionedSchema struct {
	OpenAPI *Schema `yaml:"openAPIV3Schema"`
}

// Column is a column that "kubectl get" prints.
type Column struct {
	Name        string `yaml:"name"`
	Type        string `yaml:"type"`
	Description string `yaml:"description,omitempty"`
	JSONPath    string `yaml:"jsonPath"`
	Priority    int    `yaml:"priority,omitempty"`
}

// Definitions returns the definitions of both kinds of policies.
func Definitions() []Definition {
	return []Definition{
		define(policy.KindTracingPolicy, "Cluster", Names{
			Plural: "tracingpolicies", Singular: "tracingpolicy", ShortNames: []string{"tgtp"},
		}),
		define(policy.KindTracingPolicyNamespaced, "Namespaced", Names{
			Plural: "tracingpoliciesnamespaced", Singular: "tracingpolicynamespaced", ShortNames: []string{"tgtpn"},
		}),
	}
}

func define(kind policy.Kind, scope string, names Names) Definition {
	names.Kind, names.ListKind = string(kind), string(kind)+"List"
	names.Categories = []string{"vedette", "security"}
	return Definition{
		APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition",
		Metadata: Metadata{Name: names.Plural + "." + Group, Labels: map[string]string{"app.kubernetes.io/part-of": "vedette"}},
		Spec: Spec{
			Group: Group, Names: names, Scope: scope,
			Versions: []ResourceVersion{{
				Name: Version, Served: true, Storage: true, Columns: columns,
				Subresources: map[string]any{"status": map[string]any{}},
				Schema:       VersionedSchema{root(kind)},
			}},
		},
	}
}

// columns are what "kubectl get" prints between name and age.
var columns = []Column{
	{Name: "Programmed", Type: "string", Description: "Nodes whose kernel has the policy, of all nodes that have told.", JSONPath: ".status.summary"},
	{Name: "Enforcing", Type: "string", Description: "Whether what the policy forbids is stopped.", JSONPath: `.status.conditions[?(@.type=="Enforcing")].status`},
	{Name: "Reason", Type: "string", Description: "Why the policy is not in force everywhere.", JSONPath: `.status.conditions[?(@.type=="Programmed")].reason`, Priority: 1},
	{Name: "Age", Type: "date", JSONPath: ".metadata.creationTimestamp"},
}

// header is what generated files begin with.
const header = "# SPDX-License-Identifier: Apache-2.0\n# Generated from the schema of policies by \"make generate\"; do not edit.\n"

// YAML returns the definition as it is applied to a cluster.
func (d Definition) YAML() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(header)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(d); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}
