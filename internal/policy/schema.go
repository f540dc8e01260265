// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Field is a field of the policy language, with the fields below it.
type Field struct {
	// Name is the field's name in a policy, Owner the object that it is a
	// field of, such as "Selector": objects occur in several places.
	Name, Owner string
	// Type is the kind of value: "string", "boolean", "integer", an object's
	// name, or one of these with "[]" or "map[string]" before it.
	Type     string
	Required bool
	// Default is the value of a field that a policy does not give, if that is
	// not the zero value.
	Default string
	// Values are all values that the field can have, where they are listed.
	Values []string
	// Aliases are other spellings of some of the Values.
	Aliases []string
	// Bits is the size of an integer, 32 or 64, and 0 for all else.
	Bits int
	// Signed says that an integer can be negative.
	Signed bool
	// MaxItems is how many elements a list or map can have, 0 for any number.
	MaxItems int
	Fields   []Field
}

// Schema returns the fields of a policy resource.
func Schema() []Field {
	return []Field{
		{Name: "apiVersion", Owner: "Policy", Type: "string", Required: true, Values: []string{APIVersion}},
		{Name: "kind", Owner: "Policy", Type: "string", Required: true, Values: []string{string(KindTracingPolicy), string(KindTracingPolicyNamespaced)}},
		{Name: "metadata", Owner: "Policy", Type: "Metadata", Required: true, Fields: schemaOf(reflect.TypeFor[Metadata](), "metadata")},
		{Name: "spec", Owner: "Policy", Type: "Spec", Required: true, Fields: schemaOf(reflect.TypeFor[Spec](), "spec")},
	}
}

func schemaOf(t reflect.Type, within string) []Field {
	var out []Field
	for _, f := range fieldsOf(t) {
		typ := t.Field(f.index).Type
		name, object := typeName(typ)
		field := Field{
			Name: f.name, Owner: t.Name(), Type: name, Required: f.required, Default: f.fallback,
			Values: enumerated(t.Name(), f.name, typ, within), MaxItems: maxItems[t.Name()+"."+f.name],
		}
		if slices.Contains(field.Values, string(OpGT)) {
			field.Aliases = texts(slices.Sorted(maps.Keys(operatorAliases)))
		}
		field.Bits, field.Signed = integerSize(typ)
		if object != nil {
			field.Fields = schemaOf(object, f.name)
		}
		out = append(out, field)
	}
	return out
}

// typeName returns how users are told a type, and the object in it, if any.
func typeName(t reflect.Type) (name string, object reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		name, object = typeName(t.Elem())
		return "[]" + name, object
	case reflect.Map:
		name, object = typeName(t.Elem())
		return "map[string]" + name, object
	case reflect.Struct:
		return t.Name(), t
	case reflect.Bool:
		return "boolean", nil
	case reflect.String:
		return "string", nil
	}
	return "integer", nil
}

// maxItems are the bounds of lists and maps, by the fields that hold them.
var maxItems = map[string]int{
	"Kprobe.selectors": MaxRules, "Tracepoint.selectors": MaxRules, "Uprobe.selectors": MaxRules,
	"Usdt.selectors": MaxRules, "LsmHook.selectors": MaxRules,
	"Kprobe.args": MaxArgs, "Tracepoint.args": MaxArgs, "Uprobe.args": MaxArgs, "Usdt.args": MaxArgs, "LsmHook.args": MaxArgs,
	"Kprobe.data": MaxArgs, "Uprobe.data": MaxArgs,
	"Kprobe.tags": MaxTags, "Tracepoint.tags": MaxTags, "Uprobe.tags": MaxTags, "Usdt.tags": MaxTags, "LsmHook.tags": MaxTags,
	"Selector.matchActions": MaxActions, "Selector.matchReturnActions": MaxActions, "Selector.matchNamespaceChanges": 1,
	"Spec.lists": MaxLists, "Spec.selectorsMacros": MaxMacros, "Spec.enforcers": 1,
}

// integerSize returns the size in bits of an integer, or of the elements of a
// list of integers, and whether it has a sign; 0 for everything else.
func integerSize(t reflect.Type) (bits int, signed bool) {
	switch t.Kind() {
	case reflect.Slice:
		return integerSize(t.Elem())
	case reflect.Int32, reflect.Int64:
		return t.Bits(), true
	case reflect.Uint32, reflect.Uint64:
		return t.Bits(), false
	}
	return 0, false
}

// enumerated returns the values that a field can have, nil where there are
// too many to list. within is the field that holds the field's object.
func enumerated(owner, name string, t reflect.Type, within string) []string {
	switch owner + "." + name {
	case "PIDFilter.operator", "NamespaceFilter.operator", "NamespaceChange.operator", "CapabilityFilter.operator":
		return texts(setOperators)
	case "BinaryFilter.operator":
		return texts(binaryOperators)
	case "ArgFilter.operator":
		return texts(argOperators)
	case "NamespaceFilter.namespace":
		return NamespaceNames
	case "CapabilityFilter.type":
		return capabilityTypes
	case "Option.name":
		return optionNames
	case "List.type":
		return listTypes
	case "Action.rateLimitScope":
		return texts(rateScopes)
	case "Kprobe.returnArgAction":
		return returnArgActions
	case "Arg.source":
		if within == "data" {
			return []string{SourceCurrentTask, SourcePtRegs}
		}
	case "LabelExpression.operator":
		return labelOperators
	}
	switch t {
	case reflect.TypeFor[ArgType]():
		return texts(argTypes)
	case reflect.TypeFor[ActionType]():
		return texts(actionTypes)
	}
	return nil
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// FieldAt returns the field at a path such as "spec.kprobes.call", and whether
// there is one.
func FieldAt(path string) (Field, bool) {
	fields := Schema()
	var found Field
	for name := range strings.SplitSeq(path, ".") {
		i := fieldIndex(fields, name)
		if i < 0 {
			return Field{}, false
		}
		found, fields = fields[i], fields[i].Fields
	}
	return found, true
}

func fieldIndex(fields []Field, name string) int {
	for i := range fields {
		if fields[i].Name == name {
			return i
		}
	}
	return -1
}
