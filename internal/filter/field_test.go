// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

func kprobeMessage() *tetragon.GetEventsResponse {
	return &tetragon.GetEventsResponse{
		NodeName: "node", ClusterName: "cluster",
		Event: &tetragon.GetEventsResponse_ProcessKprobe{ProcessKprobe: &tetragon.ProcessKprobe{
			Process: &tetragon.Process{
				ExecId: "id", Pid: wrapperspb.UInt32(1), Binary: "/bin/cat",
				Pod: &tetragon.Pod{Name: "pod", PodLabels: map[string]string{"a": "b"}},
			},
			Parent:       &tetragon.Process{ExecId: "parent"},
			FunctionName: "fd_install",
			Args: []*tetragon.KprobeArgument{
				{Arg: &tetragon.KprobeArgument_IntArg{IntArg: 3}, Label: "fd"},
				{Arg: &tetragon.KprobeArgument_StringArg{StringArg: "x"}, Label: "text"},
			},
		}},
	}
}

func kprobe(change func(*tetragon.ProcessKprobe)) *tetragon.GetEventsResponse {
	m := kprobeMessage()
	change(m.GetProcessKprobe())
	return m
}

func TestFieldFilters(t *testing.T) {
	for _, test := range []struct {
		name, filters string
		want          *tetragon.GetEventsResponse
	}{
		{"none", "", kprobeMessage()},
		{"include", `{"fields":"process.pid,function_name"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			*k = tetragon.ProcessKprobe{Process: &tetragon.Process{Pid: wrapperspb.UInt32(1)}, FunctionName: "fd_install"}
		})},
		{"camel case", `{"fields":"functionName"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			*k = tetragon.ProcessKprobe{FunctionName: "fd_install"}
		})},
		{"includes add up", `{"fields":"process.pid"}{"fields":"function_name"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			*k = tetragon.ProcessKprobe{Process: &tetragon.Process{Pid: wrapperspb.UInt32(1)}, FunctionName: "fd_install"}
		})},
		{"a whole covers its parts", `{"fields":"parent,parent.exec_id"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			*k = tetragon.ProcessKprobe{Parent: k.Parent}
		})},
		{"in either order", `{"fields":"parent.exec_id,parent"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			*k = tetragon.ProcessKprobe{Parent: k.Parent}
		})},
		{"exclude", `{"fields":"process.pod.pod_labels,parent","action":"EXCLUDE"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			k.Process.Pod.PodLabels, k.Parent = nil, nil
		})},
		{"exclude after include, whatever the order", `{"fields":"process.pod","action":"EXCLUDE"}{"fields":"process"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			k.Process.Pod = nil
			*k = tetragon.ProcessKprobe{Process: k.Process}
		})},
		{"in lists", `{"fields":"args.label","action":"EXCLUDE"}`, kprobe(func(k *tetragon.ProcessKprobe) {
			k.Args[0].Label, k.Args[1].Label = "", ""
		})},
		{"other events", `{"fields":"process.pid","event_set":["PROCESS_EXEC"]}`, kprobeMessage()},
		{"this event", `{"fields":"args","event_set":["PROCESS_KPROBE"],"action":"EXCLUDE"}`, kprobe(func(k *tetragon.ProcessKprobe) { k.Args = nil })},
		{"inverted, other", `{"fields":"args","event_set":["PROCESS_EXEC"],"invert_event_set":true,"action":"EXCLUDE"}`,
			kprobe(func(k *tetragon.ProcessKprobe) { k.Args = nil })},
		{"inverted, this", `{"fields":"process","event_set":["PROCESS_KPROBE"],"invert_event_set":true,"action":"EXCLUDE"}`, kprobeMessage()},
		{"a field that only other events have", `{"fields":"status"}`, kprobe(func(k *tetragon.ProcessKprobe) { proto.Reset(k) })},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := ParseFieldFilters(test.filters)
			if err != nil {
				t.Fatal(err)
			}
			f, err := CompileFieldFilters(list)
			if err != nil {
				t.Fatal(err)
			}
			original := kprobeMessage()
			if got := f.Apply(original); !proto.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			if !proto.Equal(original, kprobeMessage()) {
				t.Error("the original is changed")
			}
		})
	}
}

func TestFieldFilterErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"fields":""}`: "field_filters[0].fields: no field is named",
		`{"fields":"parent"}{"fields":"process.binry"}`:    `field_filters[1].fields: "process.binry": Process has no field "binry"; did you mean "process.binary"?`,
		`{"fields":"proces"}`:                              `did you mean "process"?`,
		`{"fields":"process.pod.conteiner.id"}`:            `Pod has no field "conteiner"; did you mean "process.pod.container"?`,
		`{"fields":"process.pid.value.x"}`:                 `"process.pid.value" has no fields`,
		`{"fields":"process.pod.pod_labels.app"}`:          `"process.pod.pod_labels" has no fields`,
		`{"fields":"status","event_set":["PROCESS_EXEC"]}`: `ProcessExec has no field "status"`,
		`{"fields":"process","event_set":["UNDEF"]}`:       "event_set[0]: UNDEF",
		`{"fields":"process","action":7}`:                  "action: 7",
	} {
		list, err := ParseFieldFilters(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := CompileFieldFilters(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
