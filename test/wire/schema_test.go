// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// packageName is that of all messages.
const packageName = "tetragon"

// The lines of the schema.
var (
	fieldLine  = regexp.MustCompile(`^(\d+) (\w+): (?:(repeated|optional) )?(map<string,(\w+)>|[\w.]+)(?: \(oneof (\w+)\))?(?: deprecated)?$`)
	methodLine = regexp.MustCompile(`^(\w+)\((\w+)\) -> (stream )?(\w+)$`)
	wellKnown  = map[string]string{
		"Timestamp": "timestamp", "Duration": "duration", "FieldMask": "field_mask", "Any": "any", "BoolValue": "wrappers",
		"UInt32Value": "wrappers", "Int32Value": "wrappers", "UInt64Value": "wrappers", "StringValue": "wrappers", "Int64Value": "wrappers",
	}
	scalars = map[string]descriptorpb.FieldDescriptorProto_Type{
		"string": descriptorpb.FieldDescriptorProto_TYPE_STRING, "bytes": descriptorpb.FieldDescriptorProto_TYPE_BYTES,
		"bool": descriptorpb.FieldDescriptorProto_TYPE_BOOL, "int32": descriptorpb.FieldDescriptorProto_TYPE_INT32,
		"uint32": descriptorpb.FieldDescriptorProto_TYPE_UINT32, "int64": descriptorpb.FieldDescriptorProto_TYPE_INT64,
		"uint64": descriptorpb.FieldDescriptorProto_TYPE_UINT64,
	}
)

// schema makes a file descriptor out of the lines.
type schema struct {
	file     *descriptorpb.FileDescriptorProto
	messages map[string]*descriptorpb.DescriptorProto // by name, Outer.Inner where nested
	enums    map[string]bool

	message *descriptorpb.DescriptorProto
	enum    *descriptorpb.EnumDescriptorProto
	service *descriptorpb.ServiceDescriptorProto
}

// mustSchema reads the schema, in two passes: fields refer to what comes later.
func mustSchema(tb testing.TB) protoreflect.FileDescriptor {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "schema.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	s := &schema{messages: map[string]*descriptorpb.DescriptorProto{}, enums: map[string]bool{}, file: &descriptorpb.FileDescriptorProto{
		Name: proto.String("schema.proto"), Package: proto.String(packageName), Syntax: proto.String("proto3"),
		Dependency: []string{
			"google/protobuf/timestamp.proto", "google/protobuf/duration.proto", "google/protobuf/field_mask.proto",
			"google/protobuf/any.proto", "google/protobuf/wrappers.proto",
		},
	}}
	lines := strings.Split(string(text), "\n")
	for _, line := range lines {
		s.declare(line)
	}
	for number, line := range lines {
		if err := s.define(line); err != nil {
			tb.Fatalf("schema.txt:%d: %q: %v", number+1, line, err)
		}
	}
	file, err := protodesc.NewFile(s.file, protoregistry.GlobalFiles)
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// declare notes the names of messages and enumerations.
func (s *schema) declare(line string) {
	name, heading := strings.CutPrefix(line, "### ")
	if !heading || strings.HasPrefix(name, "service ") {
		return
	}
	if enum, ok := strings.CutPrefix(name, "enum "); ok {
		s.enums[enum] = true
		return
	}
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		m := &descriptorpb.DescriptorProto{Name: proto.String(name)}
		s.messages[name] = m
		s.file.MessageType = append(s.file.MessageType, m)
		return
	}
	m := &descriptorpb.DescriptorProto{Name: proto.String(inner)}
	s.messages[name] = m
	s.messages[outer].NestedType = append(s.messages[outer].NestedType, m)
}

// define takes the content of a line.
func (s *schema) define(line string) error {
	line = strings.TrimSpace(line)
	switch {
	case line == "" || strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "reserved "):
		return nil
	case strings.HasPrefix(line, "### "):
		s.begin(strings.TrimPrefix(line, "### "))
		return nil
	case s.service != nil:
		return s.method(line)
	case s.enum != nil:
		return s.values(line)
	case s.message != nil:
		return s.field(line)
	}
	return fmt.Errorf("belongs to nothing")
}

func (s *schema) begin(name string) {
	s.message, s.enum, s.service = s.messages[name], nil, nil
	if enum, ok := strings.CutPrefix(name, "enum "); ok {
		s.enum = &descriptorpb.EnumDescriptorProto{Name: proto.String(enum)}
		s.file.EnumType = append(s.file.EnumType, s.enum)
	}
	if service, ok := strings.CutPrefix(name, "service "+packageName+"."); ok {
		s.service = &descriptorpb.ServiceDescriptorProto{Name: proto.String(service)}
		s.file.Service = append(s.file.Service, s.service)
	}
}

func (s *schema) method(line string) error {
	m := methodLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("no method")
	}
	s.service.Method = append(s.service.Method, &descriptorpb.MethodDescriptorProto{
		Name: proto.String(m[1]), InputType: proto.String("." + packageName + "." + m[2]),
		OutputType: proto.String("." + packageName + "." + m[4]), ServerStreaming: proto.Bool(m[3] != ""),
	})
	return nil
}

func (s *schema) values(line string) error {
	seen := map[int]bool{}
	for word := range strings.SplitSeq(line, ", ") {
		name, number, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		if seen[n] {
			s.enum.Options = &descriptorpb.EnumOptions{AllowAlias: proto.Bool(true)}
		}
		seen[n] = true
		s.enum.Value = append(s.enum.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(name), Number: proto.Int32(int32(n))})
	}
	return nil
}

func (s *schema) field(line string) error {
	m := fieldLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("no field")
	}
	number, err := strconv.Atoi(m[1])
	if err != nil {
		return err
	}
	label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	if m[3] == "repeated" {
		label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	}
	f := &descriptorpb.FieldDescriptorProto{Name: proto.String(m[2]), Number: proto.Int32(int32(number)), Label: &label}
	if m[5] != "" {
		if err := s.mapField(f, m[5]); err != nil {
			return err
		}
	} else if err := s.setType(f, m[4]); err != nil {
		return err
	}
	if m[6] != "" {
		f.OneofIndex = proto.Int32(s.oneof(m[6]))
	}
	if m[3] == "optional" && *f.Type != descriptorpb.FieldDescriptorProto_TYPE_MESSAGE {
		f.Proto3Optional = proto.Bool(true)
		f.OneofIndex = proto.Int32(s.oneof("_" + m[2]))
	}
	s.message.Field = append(s.message.Field, f)
	return nil
}

func (s *schema) oneof(name string) int32 {
	for i, o := range s.message.OneofDecl {
		if o.GetName() == name {
			return int32(i)
		}
	}
	s.message.OneofDecl = append(s.message.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String(name)})
	return int32(len(s.message.OneofDecl) - 1)
}

func (s *schema) setType(f *descriptorpb.FieldDescriptorProto, name string) error {
	kind, scalar := scalars[name]
	switch {
	case scalar:
	case wellKnown[name] != "":
		kind, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, proto.String(".google.protobuf."+name)
	case s.enums[name]:
		kind, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_ENUM, proto.String("."+packageName+"."+name)
	case s.messages[name] != nil:
		kind, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, proto.String("."+packageName+"."+name)
	default:
		return fmt.Errorf("unknown type %q", name)
	}
	f.Type = &kind
	return nil
}

// mapField makes the entry message of a map from strings, see the language guide of protocol buffers.
func (s *schema) mapField(f *descriptorpb.FieldDescriptorProto, value string) error {
	var camel strings.Builder
	for word := range strings.SplitSeq(f.GetName(), "_") {
		camel.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	entry := camel.String() + "Entry"
	optional := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	keyType := descriptorpb.FieldDescriptorProto_TYPE_STRING
	valueField := &descriptorpb.FieldDescriptorProto{Name: proto.String("value"), Number: proto.Int32(2), Label: &optional}
	if err := s.setType(valueField, value); err != nil {
		return err
	}
	s.message.NestedType = append(s.message.NestedType, &descriptorpb.DescriptorProto{
		Name: proto.String(entry), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
		Field: []*descriptorpb.FieldDescriptorProto{
			{Name: proto.String("key"), Number: proto.Int32(1), Label: &optional, Type: &keyType}, valueField,
		},
	})
	repeated, message := descriptorpb.FieldDescriptorProto_LABEL_REPEATED, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	f.Label, f.Type = &repeated, &message
	f.TypeName = proto.String("." + packageName + "." + s.message.GetName() + "." + entry)
	return nil
}
