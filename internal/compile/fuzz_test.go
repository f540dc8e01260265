// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// FuzzCompile compiles what the parser takes of any text, beginning with the example policies. It expects a plan or
// errors at places in the text, the same each time, and of a plan that it has a verdict on any event.
func FuzzCompile(f *testing.F) {
	examples := 0
	err := filepath.WalkDir("../../examples/policies", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		examples++
		text, err := os.ReadFile(path)
		f.Add(text)
		return err
	})
	if err != nil || examples < 40 {
		f.Fatalf("%d examples, error %v", examples, err)
	}
	f.Add([]byte(mustRead(f, "../policy/testdata/grammar.yaml")))
	f.Fuzz(func(t *testing.T, text []byte) {
		policies, diags := policy.Parse("fuzz", text)
		if policy.HasErrors(diags) || len(policies) == 0 {
			return
		}
		in := input(policies...)
		plan, err := compile.Compile(in)
		again, _ := compile.Compile(in)
		if !reflect.DeepEqual(plan, again) {
			t.Error("compiled again, the plan is another one")
		}
		if err != nil {
			checkPlaces(t, string(text), err)
			return
		}
		for _, h := range plan.Hooks {
			v := &compile.Values{Args: make([]compile.Value, len(h.Slots))}
			h.Winners(h.Match(v))
		}
	})
}

// checkPlaces checks that the errors are of policies, at places in their text.
func checkPlaces(t *testing.T, text string, err error) {
	t.Helper()
	all := compile.PolicyErrors(err)
	if len(all) == 0 {
		t.Errorf("an error of no policy: %v", err)
	}
	lines := strings.Split(text, "\n")
	for _, e := range all {
		if len(e.Diagnostics) == 0 {
			t.Error("a policy fails without a reason")
		}
		for _, d := range e.Diagnostics {
			if d.Severity != policy.SeverityError || d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Column < 1 ||
				d.Pos.Column > utf8.RuneCountInString(lines[d.Pos.Line-1])+1 {
				t.Errorf("at %v: %s", d.Pos, d.Text())
			}
		}
	}
}
