// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"reflect"
	"strconv"
	"strings"
)

// field is a struct field that a policy can set, as its policy tag says:
// name[,required][,default=VALUE].
type field struct {
	name     string
	index    int
	required bool
	fallback string
}

// ignoredFields are the fields that Kubernetes adds to objects and that say
// nothing about the policy.
var ignoredFields = map[reflect.Type][]string{
	reflect.TypeFor[envelope](): {"status"},
	reflect.TypeFor[Metadata](): {
		"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
		"generation", "generateName", "managedFields", "ownerReferences", "finalizers", "selfLink",
	},
}

// fieldsOf returns the fields of a struct type that a policy can set.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("policy")
		if !ok {
			continue
		}
		parts := strings.Split(tag, ",")
		f := field{name: parts[0], index: i}
		for _, part := range parts[1:] {
			if value, ok := strings.CutPrefix(part, "default="); ok {
				f.fallback = value
			} else {
				f.required = part == "required"
			}
		}
		fields = append(fields, f)
	}
	return fields
}

// setDefaults stores the defaults of the fields in a struct.
func setDefaults(fields []field, v reflect.Value) {
	for _, f := range fields {
		if f.fallback == "" {
			continue
		}
		switch value := v.Field(f.index); value.Kind() {
		case reflect.Bool:
			on, _ := strconv.ParseBool(f.fallback)
			value.SetBool(on)
		case reflect.String:
			value.SetString(f.fallback)
		}
	}
}

func fieldNames(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}
