// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const seedFile = "testdata/iris-read-file-sigkill.yaml"

func TestSeed(t *testing.T) {
	policies, diags, err := ReadFile(seedFile)
	if err != nil || len(policies) != 1 || len(diags) != 0 {
		t.Fatalf("%d policies, error %v, %v", len(policies), err, diags)
	}
	want := &Policy{
		Kind:     KindTracingPolicy,
		Metadata: Metadata{Name: "iris-read-file-sigkill"},
		Spec: Spec{Kprobes: []Kprobe{
			{Call: "fd_install",
				Args: []Arg{{Index: 0, Type: TypeInt}, {Index: 1, Type: TypeFile}},
				Selectors: []Selector{{
					MatchPIDs:    []PIDFilter{{Operator: OpNotIn, FollowForks: true, IsNamespacePID: true, Values: []uint32{1}}},
					MatchArgs:    []ArgFilter{{Index: 1, Operator: OpPrefix, Values: []string{"/usr/irissys/secrets/", "/usr/irissys/mgr/iris.key"}}},
					MatchActions: []Action{{Action: ActionFollowFD, ArgFd: 0, ArgName: 1}},
				}}},
			{Call: "__x64_sys_close", Syscall: true,
				Args:      []Arg{{Index: 0, Type: TypeInt}},
				Selectors: []Selector{{MatchActions: []Action{{Action: ActionUnfollowFD}}}}},
			{Call: "__x64_sys_read", Syscall: true,
				Args:      []Arg{{Index: 0, Type: TypeFd}, {Index: 1, Type: TypeCharBuf, ReturnCopy: true}, {Index: 2, Type: TypeSize}},
				Selectors: []Selector{{MatchActions: []Action{{Action: ActionSigkill}}}}},
		}},
	}
	opts := []cmp.Option{cmpopts.IgnoreTypes(Pos{}, []Pos{}), cmpopts.IgnoreUnexported(Policy{}), cmpopts.IgnoreFields(Policy{}, "Source")}
	if diff := cmp.Diff(want, policies[0], opts...); diff != "" {
		t.Error(diff)
	}
	if got := policies[0].Mode(); got != ModeEnforce {
		t.Errorf("mode is %s", got)
	}
}

// TestSeedWithMisspeltFields deletes each character of each field name of the
// seed: the policy must be refused with an error at that field, and every
// name that stays recognisable must be suggested.
func TestSeedWithMisspeltFields(t *testing.T) {
	lines := strings.SplitAfter(mustRead(t, seedFile), "\n")
	fieldName := regexp.MustCompile(`^( *(?:- )?)([A-Za-z]+):`)
	tried := 0
	for n, line := range lines {
		m := fieldName.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		for i := range m[2] {
			misspelt := m[2][:i] + m[2][i+1:]
			changed := append([]string(nil), lines...)
			changed[n] = m[1] + misspelt + strings.TrimPrefix(line, m[1]+m[2])
			text := strings.Join(changed, "")
			policies, diags := Parse("seed", []byte(text))
			if len(policies) != 0 {
				t.Errorf("%s for %s is accepted", misspelt, m[2])
			}
			if !suggests(diags, Pos{n + 1, len(m[1]) + 1}, m[2]) {
				t.Errorf("%s for %s: no suggestion\n%s", misspelt, m[2], render(t, text, diags))
			}
			tried++
		}
	}
	if tried < 200 {
		t.Errorf("only %d names tried", tried)
	}
}

// suggests reports whether one of the errors is at the position and suggests
// the name.
func suggests(diags []Diagnostic, pos Pos, name string) bool {
	for _, d := range diags {
		if d.Severity == SeverityError && d.Pos == pos && strings.Contains(d.Suggestion, `"`+name+`"`) {
			return true
		}
	}
	return false
}

func TestPositions(t *testing.T) {
	p := mustParse(t, mustRead(t, seedFile))
	for path, want := range map[string]Pos{
		"metadata.name":                {4, 9},
		"spec.kprobes":                 {7, 3},
		"spec.kprobes[0]":              {7, 5},
		"spec.kprobes[0].args[1].type": {14, 13},
		"spec.kprobes[0].selectors[0].matchPIDs[0].values[0]":    {21, 11},
		"spec.kprobes[0].selectors[0].matchArgs[0].values[1]":    {27, 11},
		"spec.kprobes[0].selectors[0].matchArgs[0].operator":     {24, 19},
		"spec.kprobes[2].selectors[0].matchActions[0].action":    {55, 17},
		"spec.kprobes[0].message":                                {7, 5},
		"spec.kprobes[0].selectors[0].matchActions[0].rateLimit": {30, 9},
		"spec.kprobes[9].call":                                   {7, 3},
		"nonsense":                                               {1, 1},
	} {
		if got := p.PosOf(path); got != want {
			t.Errorf("%s is at %v, want %v", path, got, want)
		}
	}
	filter := p.Spec.Kprobes[0].Selectors[0].MatchArgs[0]
	if diff := cmp.Diff([]Pos{{26, 11}, {27, 11}}, filter.ValuesPos); diff != "" {
		t.Error(diff)
	}
	if want := (Pos{23, 9}); filter.Pos != want {
		t.Errorf("filter is at %v, want %v", filter.Pos, want)
	}
	d := p.Diagnose("spec.kprobes[1].call", SeverityWarning, "%s is odd", "it")
	if diff := cmp.Diff(Diagnostic{SeverityWarning, Pos{33, 11}, "spec.kprobes[1].call", "it is odd", ""}, d); diff != "" {
		t.Error(diff)
	}
	if got := (&Policy{}).PosOf("spec"); got != (Pos{}) {
		t.Errorf("policy without positions gives %v", got)
	}
}
