// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaults(t *testing.T) {
	p := mustParse(t, header+`
  kprobes:
  - call: sys_read
    selectors:
    - matchCapabilities:
      - {operator: In, values: [ CAP_KILL ]}
  - {call: fd_install, syscall: false}
  fentries:
  - call: sys_read
  tracepoints:
  - {subsystem: a, event: b, args: [ {index: 4} ]}
`)
	s := p.Spec
	if !s.Kprobes[0].Syscall || s.Kprobes[1].Syscall || !s.Fentries[0].Syscall {
		t.Error("syscall must be true unless given")
	}
	if got := s.Tracepoints[0].Args[0].Type; got != TypeAuto {
		t.Errorf("type is %q", got)
	}
	if got := s.Kprobes[0].Selectors[0].MatchCapabilities[0].Type; got != CapabilityTypeEffective {
		t.Errorf("capability type is %q", got)
	}
}

func TestHostSelector(t *testing.T) {
	for text, want := range map[string]bool{"null": false, "{}": true, "{matchLabels: {}}": true} {
		p := mustParse(t, header+"  loader: true\n  hostSelector: "+text+"\n")
		if got := p.Spec.HostSelector.IsEmpty(); got != want {
			t.Errorf("hostSelector %s: IsEmpty is %t", text, got)
		}
	}
}

func TestCanonicalSpelling(t *testing.T) {
	p := mustParse(t, kprobe(`    args: [ {index: 0, type: unsigned long}, {index: 1, type: sock} ]
    selectors:
    - matchArgs:
      - {index: 0, operator: GreaterThan, values: [ "1" ]}
      - {index: 0, operator: LessThan, values: [ "9" ]}
      - {index: 1, operator: NotSPortPriv}
`))
	k := p.Spec.Kprobes[0]
	if k.Args[0].Type != TypeUlong {
		t.Errorf("type is %s", k.Args[0].Type)
	}
	for i, want := range []Operator{OpGT, OpLT, OpNotSPortPriv} {
		if got := k.Selectors[0].MatchArgs[i].Operator; got != want {
			t.Errorf("operator is %s, want %s", got, want)
		}
	}
}

func TestTextsAreCut(t *testing.T) {
	message := strings.Repeat("ä", 200)
	policies, diags := Parse("", []byte(kprobe("    message: "+message+"\n    tags: [ "+strings.Repeat("b", 200)+" ]\n")))
	if len(policies) != 1 || len(diags) != 2 {
		t.Fatalf("%d policies, %v", len(policies), diags)
	}
	k := policies[0].Spec.Kprobes[0]
	if want := strings.Repeat("ä", 128); k.Message != want {
		t.Errorf("message is %q", k.Message)
	}
	if want := strings.Repeat("b", 128); k.Tags[0] != want {
		t.Errorf("tag is %q", k.Tags[0])
	}
	if got := cutText("aä", 2); got != "a" {
		t.Errorf("cut to %q", got)
	}
}

func TestListOfSyscalls(t *testing.T) {
	p := mustParse(t, header+`  lists:
  - {name: calls, type: syscalls, values: [ sys_read, i386/sys_write ]}
  kprobes:
  - {call: "list:calls", syscall: false, selectors: [ {matchActions: [ {action: Override, argError: -1} ]} ]}
`)
	if !p.Spec.Kprobes[0].Syscall {
		t.Error("a list of system calls must make the kprobe one of system calls")
	}
}

func TestMacros(t *testing.T) {
	text := header + `  selectorsMacros:
    who:
      label: from macro
      matchPIDs:
      - {operator: In, values: [ 5 ]}
    what:
      matchArgs:
      - {index: 2, operator: GreaterThan, values: [ "7" ]}
  kprobes:
  - call: sys_read
    args: [ {index: 2, type: size_t} ]
    selectors:
    - macros: [ who, what ]
    - macros: [ who ]
      label: own
`
	p := mustParse(t, text)
	s := p.Spec.Kprobes[0].Selectors
	if s[0].Label != "from macro" || s[1].Label != "own" {
		t.Errorf("labels are %q and %q", s[0].Label, s[1].Label)
	}
	if diff := cmp.Diff([]uint32{5}, s[0].MatchPIDs[0].Values); diff != "" {
		t.Error(diff)
	}
	if len(s[1].MatchPIDs) != 1 || len(s[1].MatchArgs) != 0 || s[0].MatchArgs[0].Operator != OpGT {
		t.Errorf("selectors are %+v", s)
	}
	if got, want := p.PosOf("spec.kprobes[0].selectors[0].matchArgs[0].values[0]"), s[0].MatchArgs[0].ValuesPos[0]; got != want || got.Line != 13 {
		t.Errorf("value of a macro is at %v, want %v", got, want)
	}
}

func TestModeAndOptions(t *testing.T) {
	p := mustParse(t, header+"  loader: true\n  options:\n  - {name: policy-mode, value: monitor}\n")
	if p.Mode() != ModeMonitor {
		t.Errorf("mode is %s", p.Mode())
	}
	if _, ok := p.Option(OptionOverrideMethod); ok {
		t.Error("option that is not given is found")
	}
	for value, want := range map[string]bool{"true": true, "1": true, "false": false} {
		p := mustParse(t, header+"  loader: true\n  options:\n  - {name: disable-kprobe-multi, value: \""+value+"\"}\n")
		if p.IsSet(OptionDisableKprobeMulti) != want || p.IsSet(OptionDisableUprobeMulti) {
			t.Errorf("%s: kprobe %v, uprobe %v", value, p.IsSet(OptionDisableKprobeMulti), p.IsSet(OptionDisableUprobeMulti))
		}
	}
}

// TestWholeGrammar parses a policy with every section and most fields. One
// of its selectors has both an Override and a filter on the return value.
func TestWholeGrammar(t *testing.T) {
	text := mustRead(t, "testdata/grammar.yaml")
	policies, diags := Parse("grammar.yaml", []byte(text))
	if len(policies) != 1 || len(diags) != 1 || !strings.Contains(diags[0].Message, "when the call begins") {
		t.Fatal(render(t, text, diags))
	}
}
