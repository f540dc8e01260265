// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/api/tetragon"
)

func TestParseList(t *testing.T) {
	list, err := ParseList(` {"health_check":true}
{"namespace":["","cilium"]} {"binaryRegex":["a"],
 "event_set":["PROCESS_EXEC"]}
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || !list[0].HealthCheck.Value || !slices.Equal(list[1].Namespace, []string{"", "cilium"}) ||
		list[2].BinaryRegex[0] != "a" || list[2].EventSet[0] != tetragon.EventType_PROCESS_EXEC {
		t.Errorf("list %v", list)
	}
	for _, empty := range []string{"", " \n"} {
		if list, err := ParseList(empty); err != nil || len(list) != 0 {
			t.Errorf("%q: %v, %v", empty, list, err)
		}
	}
}

func TestParseListErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{}\n\n  {\"binary\":[\"x\"]}": `line 3: filter 2: `,
		"{\"binary\":[\"x\"]}":         `unknown field "binary"`,
		"{\"event_set\":[\"EXEC\"]}":   "EXEC",
		"[{}]":                         "line 1: filter 1: a JSON object is expected",
		"{}\n{\"pid\":[1,}":            "line 2: filter 2: invalid character '}'",
		"{\"pid\":[1]":                 "line 1: filter 1: unexpected EOF",
		"{\"pid\":[1]}\n\n,{}":         "line 3: filter 2: invalid character ','",
		"{\"pid\":[-1]}":               "pid",
		"{\"pid\":[1],\"pid\":[2]}":    "duplicate",
	} {
		if _, err := ParseList(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestParseFieldFilters(t *testing.T) {
	list, err := ParseFieldFilters(`{"fields":"process.exec_id, process.parentExecId","action":"EXCLUDE","event_set":["PROCESS_EXEC"],"invert_event_set":true}
{"fields":"parent"}`)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || !slices.Equal(list[0].Fields.Paths, []string{"process.exec_id", "process.parentExecId"}) ||
		list[0].Action != tetragon.FieldFilterAction_EXCLUDE || !list[0].InvertEventSet.Value || len(list[0].EventSet) != 1 ||
		list[1].Action != tetragon.FieldFilterAction_INCLUDE {
		t.Errorf("list %v", list)
	}
	for text, want := range map[string]string{
		`{"fields":["a"]}`:                "a string of paths",
		"\n" + `{"fields":"a","acton":1}`: "line 2: filter 1: ",
	} {
		if _, err := ParseFieldFilters(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("{}\n{\"pid\":[1,}")
	f.Add(`{"binary_regex":["a("],"labels":["a in (b"],"cel_expression":["process_exec.process.pid == 1u"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseList(text)
		if err != nil {
			return
		}
		if set, err := Compile(list, nil, everything); err == nil {
			set.Match(NewSubject(podEvent()))
		}
	})
}
