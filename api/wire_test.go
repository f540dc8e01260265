// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/vedette-io/vedette/api/tetragon"
)

// ownNumbers is where fields of Vedette's own begin; wire.txt does not list them.
const ownNumbers = 50000

// ownMessages are the messages that only Vedette has.
var ownMessages = map[string]bool{"LostEvents": true}

// facts maps an element ("message Process", "enum EventType", "service X") to its lines.
type facts map[string][]string

func TestWireFacts(t *testing.T) {
	t.Parallel()
	want, got := mustReadFacts(t, "testdata/wire.txt"), facts{}
	for _, file := range files() {
		got["file "+file.Path()] = nil
		got.addMessages(file.Messages())
		got.addEnums(file.Enums())
		got.addServices(file.Services())
	}

	names := slices.Sorted(maps.Keys(want))
	if len(names) < 100 {
		t.Fatalf("wire.txt lists only %d elements", len(names))
	}
	for _, name := range names {
		lines, ok := got[name]
		if !ok {
			t.Errorf("%s is missing from the .proto files", name)
			continue
		}
		compare(t, name, want[name], lines)
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is not part of the interface", name)
	}
}

func TestOwnFields(t *testing.T) {
	t.Parallel()
	event := (&tetragon.GetEventsResponse{}).ProtoReflect().Descriptor()
	lost := event.Fields().ByName("vedette_lost_events")
	if lost == nil || lost.Number() != 50000 || lost.ContainingOneof().Name() != "event" {
		t.Errorf("vedette_lost_events: got %v, want number 50000 in oneof event", lost)
	}
	if got := tetragon.EventType_VEDETTE_LOST_EVENTS; got != 50000 {
		t.Errorf("VEDETTE_LOST_EVENTS: got %d, want 50000", got)
	}
	hook := (&tetragon.HookStatus{}).ProtoReflect().Descriptor()
	if f := hook.Fields().ByName("vedette_attachment"); f == nil || f.Number() != 50000 {
		t.Errorf("vedette_attachment: got %v, want number 50000", f)
	}
}

// TestEventTypeNumbers checks that EventType and the members of the event oneof agree, which lets
// code convert one to the other without a table.
func TestEventTypeNumbers(t *testing.T) {
	t.Parallel()
	members := (&tetragon.GetEventsResponse{}).ProtoReflect().Descriptor().Oneofs().ByName("event").Fields()
	types := tetragon.EventType_UNDEF.Descriptor().Values()
	if got, want := members.Len(), types.Len()-1; got != want {
		t.Errorf("members of oneof event: got %d, want %d", got, want)
	}
	for i := range members.Len() {
		member := members.Get(i)
		value := types.ByNumber(protoreflect.EnumNumber(member.Number()))
		if value == nil || !strings.EqualFold(string(value.Name()), string(member.Name())) {
			t.Errorf("%s = %d: got event type %v", member.Name(), member.Number(), value)
		}
	}
}

func files() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		tetragon.File_tetragon_tetragon_proto,
		tetragon.File_tetragon_events_proto,
		tetragon.File_tetragon_sensors_proto,
		tetragon.File_tetragon_eventlogservice_proto,
		tetragon.File_tetragon_capabilities_proto,
		tetragon.File_tetragon_bpf_proto,
	}
}

func compare(t *testing.T, name string, want, got []string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s: missing %q", name, line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s: unexpected %q", name, line)
		}
	}
}

func mustReadFacts(tb testing.TB, path string) facts {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	all, element := facts{}, ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch keyword, _, _ := strings.Cut(line, " "); keyword {
		case "#":
		case "file", "message", "enum", "service":
			element = line
			all[element] = nil
		default:
			all[element] = append(all[element], line)
		}
	}
	return all
}

func (f facts) addMessages(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		if message.IsMapEntry() || ownMessages[string(message.Name())] {
			continue
		}
		f[fmt.Sprintf("message %s", localName(message))] = messageFacts(message)
		f.addMessages(message.Messages())
	}
}

func messageFacts(message protoreflect.MessageDescriptor) []string {
	var lines []string
	for i := range message.Fields().Len() {
		if field := message.Fields().Get(i); field.Number() < ownNumbers {
			lines = append(lines, fieldFact(field))
		}
	}
	for i := range message.ReservedRanges().Len() {
		r := message.ReservedRanges().Get(i)
		lines = append(lines, fmt.Sprintf("reserved %d %d", r[0], r[1]-1))
	}
	return lines
}

func fieldFact(field protoreflect.FieldDescriptor) string {
	kind := typeName(field)
	switch {
	case field.IsMap():
		kind = fmt.Sprintf("map<%s,%s>", typeName(field.MapKey()), typeName(field.MapValue()))
	case field.IsList():
		kind = "repeated_" + kind
	case field.HasOptionalKeyword():
		kind = "optional_" + kind
	}
	line := fmt.Sprintf("field %d %s %s", field.Number(), field.Name(), kind)
	if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		line += " oneof=" + string(oneof.Name())
	}
	if proto.Equal(field.Options(), &descriptorpb.FieldOptions{Deprecated: proto.Bool(true)}) {
		line += " deprecated"
	}
	return line
}

func typeName(field protoreflect.FieldDescriptor) string {
	switch {
	case field.Message() != nil:
		return localName(field.Message())
	case field.Enum() != nil:
		return localName(field.Enum())
	default:
		return field.Kind().String()
	}
}

func localName(d protoreflect.Descriptor) string {
	name := strings.TrimPrefix(string(d.FullName()), "tetragon.")
	return strings.TrimPrefix(name, "google.protobuf.")
}

func (f facts) addEnums(enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		values, lines := enums.Get(i).Values(), []string(nil)
		for j := range values.Len() {
			if value := values.Get(j); !strings.HasPrefix(string(value.Name()), "VEDETTE_") {
				lines = append(lines, fmt.Sprintf("value %s %d", value.Name(), value.Number()))
			}
		}
		f[fmt.Sprintf("enum %s", enums.Get(i).Name())] = lines
	}
}

func (f facts) addServices(services protoreflect.ServiceDescriptors) {
	for i := range services.Len() {
		methods, lines := services.Get(i).Methods(), []string(nil)
		for j := range methods.Len() {
			m := methods.Get(j)
			line := fmt.Sprintf("rpc %s %s %s", m.Name(), m.Input().Name(), m.Output().Name())
			if m.IsStreamingServer() {
				line += " stream"
			}
			lines = append(lines, line)
		}
		f[fmt.Sprintf("service %s", services.Get(i).FullName())] = lines
	}
}
