// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// neverMatches has a selector that cannot match and one that is never reached.
const neverMatches = `spec:
  kprobes:
  - call: sys_read
    args: [{index: 0, type: int}]
    selectors:
    - matchPIDs: [{operator: In, values: [1]}, {operator: In, values: [2]}]
    - matchArgs: [{index: 0, operator: GT, values: ["3"]}]
    - matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
`

func TestLint(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"good.yaml":           goodPolicy,
		"typo.yaml":           strings.Replace(goodPolicy, "type: syscall64", "typ: syscall64", 1),
		"unsupported.yaml":    strings.Replace(goodPolicy, "spec:\n", "spec:\n  nodeSelector: {}\n", 1),
		"never.yaml":          goodPolicy[:strings.Index(goodPolicy, "spec:")] + neverMatches,
		"hookless.yaml":       "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: x}\nspec: {}\n",
		"all/good.yaml":       goodPolicy,
		"all/deep/bad.yml":    "x: 1\n",
		"all/deep/readme.txt": "not a policy",
		"none/readme.txt":     "not a policy",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name    string
		stdin   string
		args    []string
		status  int
		in      []string
		summary string
	}{
		{"good", "", []string{"good.yaml"}, 0, nil, "1 file checked: no errors, no warnings\n"},
		{"misspelt field", "", []string{"typo.yaml"}, 1, []string{"typo.yaml:11:7: error: ", "did you mean \"type\"?", "      typ: syscall64\n        ^\n"}, "1 file checked: 1 error, no warnings\n"},
		{"not executed yet", "", []string{"unsupported.yaml"}, 1, []string{"unsupported.yaml:6:17: error: ", "  nodeSelector: {}\n"}, "1 file checked: 1 error, no warnings\n"},
		{"warning only", "", []string{"hookless.yaml"}, 0, []string{"hookless.yaml:4:7: warning: "}, "1 file checked: no errors, 1 warning\n"},
		{"selectors without effect", "", []string{"never.yaml"}, 0, []string{
			"never.yaml:10:48: warning: selector never matches: filters are ANDed, and no value satisfies both this one and matchPIDs[0]",
			"never.yaml:12:7: warning: selector is never reached: selectors[1] before it matches whatever this one matches",
		}, "1 file checked: no errors, 2 warnings\n"},
		{"standard input", goodPolicy, []string{"-"}, 0, nil, "1 file checked: no errors, no warnings\n"},
		{"missing file", "", []string{"missing.yaml", "good.yaml"}, 1, []string{"missing.yaml: error: cannot be read: no such file or directory\n"}, "2 files checked: 1 error, no warnings\n"},
		{"directory", "", []string{"all", "good.yaml"}, 1, []string{"all/deep/bad.yml:1:1: error: "}, "3 files checked: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := session{stdin: test.stdin}.run(t, append([]string{"tp", "lint"}, test.args...)...)
			if got.status != test.status || got.stderr != "" {
				t.Errorf("status %d, standard error %q, want status %d", got.status, got.stderr, test.status)
			}
			for _, want := range append(test.in, test.summary) {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("%q lacks %q", got.stdout, want)
				}
			}
			if len(test.in) == 0 && got.stdout != test.summary {
				t.Errorf("output %q, want %q", got.stdout, test.summary)
			}
		})
	}
	session{}.run(t, "tp", "lint", "none").check(t, 1, "", "vedette: directory none holds no policy file (.yaml, .yml or .json)\n")
}

func TestLintJSON(t *testing.T) {
	got := session{stdin: strings.Replace(goodPolicy, "index: 4", "index: four", 1)}.run(t, "tp", "lint", "-o", "json", "-")
	var report lintReport
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatalf("%v in %q", err, got.stdout)
	}
	if got.status != 1 || len(report.Diagnostics) != 1 {
		t.Fatalf("status %d, %+v", got.status, report)
	}
	report.Diagnostics[0].Message, report.Diagnostics[0].Suggestion = "", ""
	want := lintReport{Files: 1, Errors: 1, Diagnostics: []lintDiagnostic{
		{File: "<stdin>", Line: 10, Column: 14, Severity: "error", Path: "spec.tracepoints[0].args[0].index"},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	none := session{stdin: goodPolicy}.run(t, "tp", "lint", "-o", "json", "-")
	none.check(t, 0, "{\n  \"files\": 1,\n  \"policies\": 1,\n  \"errors\": 0,\n  \"warnings\": 0,\n  \"diagnostics\": []\n}\n", "")
}

func TestLintColor(t *testing.T) {
	for color, want := range map[string]bool{"always": true, "never": false, "auto": false} {
		got := session{stdin: "x: 1"}.run(t, "tp", "lint", "--color", color, "-")
		if strings.Contains(got.stdout, "\x1b[") != want {
			t.Errorf("--color %s: %q", color, got.stdout)
		}
	}
}
