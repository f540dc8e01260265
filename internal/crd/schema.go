// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/docs/reference"
	"github.com/vedette-io/vedette/internal/policy"
)

// Schema is an OpenAPI v3 schema, as far as structural schemas have it.
type Schema struct {
	Description string             `yaml:"description,omitempty"`
	Type        string             `yaml:"type"`
	Format      string             `yaml:"format,omitempty"`
	Default     any                `yaml:"default,omitempty"`
	Nullable    bool               `yaml:"nullable,omitempty"`
	Enum        []string           `yaml:"enum,omitempty"`
	Minimum     *int64             `yaml:"minimum,omitempty"`
	Maximum     *int64             `yaml:"maximum,omitempty"`
	MinLength   int                `yaml:"minLength,omitempty"`
	MaxLength   int                `yaml:"maxLength,omitempty"`
	MinItems    int                `yaml:"minItems,omitempty"`
	MaxItems    int                `yaml:"maxItems,omitempty"`
	MaxFields   int                `yaml:"maxProperties,omitempty"`
	ListType    string             `yaml:"x-kubernetes-list-type,omitempty"`
	ListMapKeys []string           `yaml:"x-kubernetes-list-map-keys,omitempty"`
	Required    []string           `yaml:"required,omitempty"`
	Rules       []Rule             `yaml:"x-kubernetes-validations,omitempty"`
	Properties  map[string]*Schema `yaml:"properties,omitempty"`
	Additional  *Schema            `yaml:"additionalProperties,omitempty"`
	Items       *Schema            `yaml:"items,omitempty"`
}

// root returns the schema of a whole resource.
func root(kind policy.Kind) *Schema {
	s := &Schema{Type: "object", Properties: map[string]*Schema{"status": status()}}
	for _, f := range policy.Schema() {
		switch f.Name {
		case "spec":
			spec := object(f.Fields, "Spec")
			if kind == policy.KindTracingPolicyNamespaced {
				spec.Rules = append(slices.Clone(spec.Rules), namespacedRules...)
			}
			spec.Description = describe(f)
			s.Properties[f.Name] = spec
			s.Required = append(s.Required, f.Name)
		case "metadata":
			s.Properties[f.Name] = &Schema{Type: "object"}
			s.Required = append(s.Required, f.Name)
		default:
			s.Properties[f.Name] = &Schema{Type: "string"}
		}
	}
	return s
}

// object returns the schema of an object.
func object(fields []policy.Field, name string) *Schema {
	s := &Schema{Type: "object", Properties: map[string]*Schema{}, Rules: rules[name]}
	for _, f := range fields {
		s.Properties[f.Name] = field(f)
		if f.Required {
			s.Required = append(s.Required, f.Name)
		}
	}
	return s
}

// field returns the schema of a field.
func field(f policy.Field) *Schema {
	s := value(f, f.Type)
	s.Description = describe(f)
	switch s.Type {
	case "array":
		s.MaxItems, s.ListType = f.MaxItems, "atomic"
		if f.Required {
			s.MinItems = 1
		}
	case "string":
		if f.Required && len(s.Enum) == 0 {
			s.MinLength = 1
		}
	case "object":
		s.MaxFields = f.MaxItems
	}
	// Manifests say null where they mean nothing.
	s.Nullable = f.Type == "LabelSelector"
	if f.Default == "" {
		return s
	}
	s.Default = f.Default
	if s.Type == "boolean" {
		s.Default, _ = strconv.ParseBool(f.Default)
	}
	return s
}

// value returns the schema of values of a type, which is the field's or that
// of what is in its lists or maps.
func value(f policy.Field, typ string) *Schema {
	if item, ok := strings.CutPrefix(typ, "[]"); ok {
		return &Schema{Type: "array", Items: value(f, item)}
	}
	if item, ok := strings.CutPrefix(typ, "map[string]"); ok {
		return &Schema{Type: "object", Additional: value(f, item)}
	}
	switch typ {
	case "boolean":
		return &Schema{Type: typ}
	case "integer":
		return integer(f)
	case "string":
		return &Schema{Type: typ, Enum: slices.Concat(f.Values, f.Aliases)}
	}
	return object(f.Fields, typ)
}

// integer returns the schema of an integer. That of unsigned ones of 64 bits
// has no upper limit: the API server knows no larger numbers than int64.
func integer(f policy.Field) *Schema {
	s := &Schema{Type: "integer", Format: "int64"}
	switch {
	case f.Signed && f.Bits == 32:
		s.Format = "int32"
	case !f.Signed && f.Bits == 32:
		s.Minimum, s.Maximum = new(int64), new(int64)
		*s.Maximum = math.MaxUint32
	case !f.Signed:
		s.Minimum = new(int64)
	}
	return s
}

// describe returns the first paragraph that is told of a field.
func describe(f policy.Field) string {
	section, ok := reference.Lookup(f.Owner + "." + f.Name)
	if !ok {
		return ""
	}
	paragraph, _, _ := strings.Cut(section.Text, "\n\n")
	return strings.ReplaceAll(paragraph, "\n", " ")
}
