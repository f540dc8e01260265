// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Short tags of YAML's types.
const (
	tagNull  = "!!null"
	tagBool  = "!!bool"
	tagInt   = "!!int"
	tagFloat = "!!float"
	tagStr   = "!!str"
	tagTime  = "!!timestamp"
	tagMap   = "!!map"
	tagSeq   = "!!seq"
	tagMerge = "!!merge"
)

// maxNodes bounds how many nodes of one document are visited with every alias
// expanded, and maxDepth how deep they nest; a short text of nested aliases
// stands for billions of nodes.
const (
	maxNodes = 400_000
	maxDepth = 64
)

// decoder fills the types of this package from the nodes of one document.
// What to expect is read from the policy tags of the struct fields.
type decoder struct {
	report *report
	pos    *positions
	failed *failures
	nodes  int
	// exhausted is set once maxNodes or maxDepth was exceeded.
	exhausted bool
}

// errorf reports an error about the value at a node.
func (d *decoder) errorf(n *yaml.Node, path, suggestion, format string, args ...any) {
	d.failed.add(path)
	d.report.add(Diagnostic{Pos: nodePos(n), Path: path, Suggestion: suggestion, Message: fmt.Sprintf(format, args...)})
}

func nodePos(n *yaml.Node) Pos { return Pos{Line: n.Line, Column: n.Column} }

// visit counts a node, follows its alias and reports whether to go on.
func (d *decoder) visit(n *yaml.Node, path string) (*yaml.Node, bool) {
	d.nodes++
	if d.exhausted {
		return n, false
	}
	if d.nodes > maxNodes {
		d.exhausted = true
		d.errorf(n, path, "", "document has more than %d nodes with its aliases expanded", maxNodes)
		return n, false
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias, true
	}
	return n, true
}

// checkDepth reports a document that nests deeper than maxDepth. Aliases are
// not followed; what they name is part of the tree.
func (d *decoder) checkDepth(n *yaml.Node, depth int) bool {
	if depth > maxDepth {
		d.errorf(n, "", "", "nested deeper than %d levels", maxDepth)
		return false
	}
	for _, c := range n.Content {
		if !d.checkDepth(c, depth+1) {
			return false
		}
	}
	return true
}

// decode stores the node's value in v.
func (d *decoder) decode(n *yaml.Node, path string, v reflect.Value) {
	n, ok := d.visit(n, path)
	if !ok {
		return
	}
	if _, known := d.pos.nodes[path]; !known {
		d.pos.nodes[path] = nodePos(n)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if isNull(n) {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.decodeStruct(n, path, v.Elem())
	case reflect.Struct:
		d.decodeStruct(n, path, v)
	case reflect.Slice:
		d.decodeSlice(n, path, v)
	case reflect.Map:
		d.decodeMap(n, path, v)
	default:
		d.decodeScalar(n, path, v)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == tagNull }

// decodeStruct stores a mapping in a struct, with its defaults.
func (d *decoder) decodeStruct(n *yaml.Node, path string, v reflect.Value) {
	fields := fieldsOf(v.Type())
	setDefaults(fields, v)
	if !d.isMapping(n, path) {
		return
	}
	if f := v.FieldByName("Pos"); f.IsValid() {
		f.Set(reflect.ValueOf(nodePos(n)))
	}
	missing := d.decodeFields(n, path, v, fields)
	if d.exhausted {
		return
	}
	if f := v.FieldByName("ValuesPos"); f.IsValid() {
		f.Set(reflect.ValueOf(d.pos.items[FieldPath(path, "values")]))
	}
	for _, f := range missing {
		d.errorf(n, FieldPath(path, f.name), "", "missing required field %s", quote(f.name))
	}
}

// decodeFields stores the entries of a mapping in the fields of a struct. It
// returns the required fields that are not there and that no misspelt entry
// seems to be.
func (d *decoder) decodeFields(n *yaml.Node, path string, v reflect.Value, fields []field) []field {
	absent := slices.Clone(fields)
	found := func(name string) {
		absent = slices.DeleteFunc(absent, func(f field) bool { return f.name == name })
	}
	for _, e := range d.entries(n, path, 0) {
		name := e.key.Value
		at := FieldPath(path, name)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i >= 0 {
			if isNull(e.value) {
				continue
			}
			found(name)
			value := v.Field(fields[i].index)
			d.decode(e.value, at, value)
			d.checkEmpty(e.value, at, fields[i], value)
			continue
		}
		if slices.Contains(ignoredFields[v.Type()], name) {
			continue
		}
		names := fieldNames(fields)
		d.errorf(e.key, at, didYouMean(name, names), "unknown field %s", quote(name))
		if meant := closest(name, names); meant != "" {
			d.failed.add(FieldPath(path, meant))
			found(meant)
		}
	}
	return slices.DeleteFunc(absent, func(f field) bool { return !f.required })
}

// checkEmpty reports a required string that is there but empty.
func (d *decoder) checkEmpty(n *yaml.Node, path string, f field, v reflect.Value) {
	if f.required && v.Kind() == reflect.String && v.Len() == 0 && !d.failed.at[path] {
		d.errorf(n, path, "", "%s must not be empty", quote(f.name))
	}
}

// isMapping reports whether a node is a mapping and complains if not.
func (d *decoder) isMapping(n *yaml.Node, path string) bool {
	if n.Kind == yaml.MappingNode && n.ShortTag() == tagMap {
		return true
	}
	d.errorf(n, path, "", "expected a mapping, found %s", describe(n))
	return false
}

// decodeSlice stores a sequence in a slice.
func (d *decoder) decodeSlice(n *yaml.Node, path string, v reflect.Value) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode || n.ShortTag() != tagSeq {
		suggestion := ""
		if n.Kind == yaml.ScalarNode {
			suggestion = "write it as a list: [ " + escape(clip(n.Value)) + " ]"
		} else if n.Kind == yaml.MappingNode {
			suggestion = `begin each element with "- "`
		}
		d.errorf(n, path, suggestion, "expected a list, found %s", describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	structs := v.Type().Elem().Kind() == reflect.Struct
	var items []Pos
	for i, c := range n.Content {
		if structs {
			d.decode(c, ItemPath(path, i), v.Index(i))
			continue
		}
		item, ok := d.visit(c, path)
		if !ok {
			return
		}
		items = append(items, nodePos(item))
		if isNull(item) {
			d.errorf(item, ItemPath(path, i), "", "list element must not be null")
			continue
		}
		d.decodeScalar(item, ItemPath(path, i), v.Index(i))
	}
	if !structs {
		d.pos.items[path] = items
	}
}

// decodeMap stores a mapping in a map with string keys.
func (d *decoder) decodeMap(n *yaml.Node, path string, v reflect.Value) {
	if isNull(n) || !d.isMapping(n, path) {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range d.entries(n, path, 0) {
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.value, FieldPath(path, e.key.Value), value)
		v.SetMapIndex(reflect.ValueOf(e.key.Value), value)
	}
}

// entry is one key of a mapping with its value.
type entry struct {
	key, value *yaml.Node
}

// entries returns the entries of a mapping in order, those of merge keys
// last. Duplicates and keys that are not strings are reported and left out.
// There are none once the document is exhausted.
func (d *decoder) entries(n *yaml.Node, path string, depth int) []entry {
	var own, merged []entry
	seen := make(map[string]Pos, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := d.visit(n.Content[i], path)
		if !ok {
			return nil
		}
		switch {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == tagMerge:
			merged = append(merged, d.merge(n.Content[i+1], path, depth)...)
		case key.Kind != yaml.ScalarNode || !isText(key):
			d.errorf(key, path, "", "field name must be a string, found %s", describe(key))
		case seen[key.Value] != Pos{}:
			d.errorf(key, FieldPath(path, key.Value), "", "duplicate field %s, first given on line %d", quote(key.Value), seen[key.Value].Line)
		default:
			seen[key.Value] = nodePos(key)
			own = append(own, entry{key, n.Content[i+1]})
		}
	}
	for _, e := range merged {
		if seen[e.key.Value] == (Pos{}) {
			seen[e.key.Value] = nodePos(e.key)
			own = append(own, e)
		}
	}
	if d.exhausted {
		return nil
	}
	return own
}

// merge returns the entries that the value of a merge key ("<<") adds.
func (d *decoder) merge(n *yaml.Node, path string, depth int) []entry {
	n, ok := d.visit(n, path)
	if !ok {
		return nil
	}
	if depth >= maxDepth {
		d.exhausted = true
		d.errorf(n, path, "", "merge keys nested deeper than %d levels", maxDepth)
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.entries(n, path, depth+1)
	case yaml.SequenceNode:
		var all []entry
		for _, c := range n.Content {
			all = append(all, d.merge(c, path, depth+1)...)
		}
		return all
	}
	d.errorf(n, path, "", "merge key needs a mapping or a list of mappings, found %s", describe(n))
	return nil
}

// describe names what a node is, for an error message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return kindWithTag(n, tagMap, "a mapping")
	case yaml.SequenceNode:
		return kindWithTag(n, tagSeq, "a list")
	}
	switch tag := n.ShortTag(); tag {
	case tagNull:
		return "null"
	case tagBool:
		return "the boolean " + quote(n.Value)
	case tagInt, tagFloat:
		return "the number " + quote(n.Value)
	case tagStr, tagTime:
		return "the string " + quote(n.Value)
	default:
		return "a value with tag " + quote(tag)
	}
}

func kindWithTag(n *yaml.Node, tag, name string) string {
	if n.ShortTag() == tag {
		return name
	}
	return name + " with tag " + quote(n.ShortTag())
}

// clip shortens a user's text for a suggestion.
func clip(text string) string {
	if len(text) <= quotedLength {
		return text
	}
	return strings.ToValidUTF8(text[:quotedLength], "") + "..."
}
