// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-io/vedette/internal/nearest"
)

// unknownFieldError says that a path names no field.
type unknownFieldError struct {
	path string
	// known is the part before the unknown name, in message.
	known      string
	name       string
	message    protoreflect.MessageDescriptor
	suggestion string
}

func (e *unknownFieldError) Error() string {
	text := fmt.Sprintf("%q: %s has no field %q", e.path, e.message.Name(), e.name)
	if e.suggestion != "" {
		text += fmt.Sprintf("; did you mean %q?", e.suggestion)
	}
	return text
}

// better says whether e tells more than other: it understood more of the path, or has a suggestion.
func (e *unknownFieldError) better(other *unknownFieldError) bool {
	if len(e.known) != len(other.known) {
		return len(e.known) > len(other.known)
	}
	return e.suggestion != "" && other.suggestion == ""
}

// resolve returns the fields along a path below a message. Names are in snake case or camel case.
func resolve(message protoreflect.MessageDescriptor, path string) ([]protoreflect.FieldDescriptor, error) {
	var fields []protoreflect.FieldDescriptor
	known := ""
	for name := range strings.SplitSeq(path, ".") {
		if message == nil {
			return nil, fmt.Errorf("%q: %q has no fields", path, known)
		}
		field := fieldByName(message, name)
		if field == nil {
			return nil, &unknownFieldError{path, known, name, message, suggest(message, known, name)}
		}
		fields = append(fields, field)
		message = nil
		if !field.IsMap() {
			message = field.Message()
		}
		known = join(known, name)
	}
	return fields, nil
}

func fieldByName(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return message.Fields().ByJSONName(name)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// suggest returns the path with the field whose name is nearest, or "" when none is near.
func suggest(message protoreflect.MessageDescriptor, known, name string) string {
	const longest = 64 // of names worth a comparison
	if len(name) > longest {
		return ""
	}
	best, distance := "", 1+min(3, (len(name)+2)/3)
	for i := range message.Fields().Len() {
		candidate := string(message.Fields().Get(i).Name())
		if d := nearest.Distance(strings.ToLower(name), candidate, distance); d < distance {
			best, distance = join(known, candidate), d
		}
	}
	return best
}
