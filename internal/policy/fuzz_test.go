// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzParse expects of any input: no panic, diagnostics with a place in the
// text, an error beside every refusal, and that a valid policy is the same
// when it is parsed again behind another document.
func FuzzParse(f *testing.F) {
	f.Add([]byte(mustRead(f, seedFile)))
	f.Add([]byte(mustRead(f, "testdata/grammar.yaml")))
	f.Add([]byte(hostile))
	f.Add([]byte(mergeBomb()))
	f.Add([]byte("--- &a\n<<: [ *a, *a ]\n...\n---\n? [ a ]\n: !!binary x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := NewSource("fuzz", data)
		policies, diags := ParseSource(src)
		lines := strings.Split(src.Text, "\n")
		for _, d := range diags {
			if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Column < 1 ||
				d.Pos.Column > utf8.RuneCountInString(lines[d.Pos.Line-1])+1 {
				t.Errorf("position %v is not in the text: %s", d.Pos, d.Text())
			}
		}
		if len(policies) == 0 && !HasErrors(diags) {
			t.Error("no policy and no error")
		}
		if err := Render(io.Discard, src, diags, true); err != nil {
			t.Error(err)
		}
		if len(policies) == 1 && !HasErrors(diags) && len(data) < MaxSize/2 {
			expectStable(t, policies[0], data)
		}
	})
}

// expectStable parses the text of a policy again, behind a document marker
// and a comment.
func expectStable(t *testing.T, p *Policy, data []byte) {
	t.Helper()
	if strings.HasPrefix(strings.TrimPrefix(string(data), byteOrderMark), "%") || strings.Contains(string(data), "\n%") {
		return // a directive belongs in front of the marker
	}
	text := "--- # again\n---\n" + strings.TrimPrefix(string(data), byteOrderMark)
	again, diags := Parse("again", []byte(text))
	if len(again) != 1 {
		t.Fatalf("parsed again: %d policies, %v", len(again), diags)
	}
	opts := []cmp.Option{cmpopts.IgnoreTypes(Pos{}), cmpopts.IgnoreUnexported(Policy{}), cmpopts.IgnoreFields(Policy{}, "Source")}
	if diff := cmp.Diff(p, again[0], opts...); diff != "" {
		t.Errorf("parsed again: %s", diff)
	}
}

func BenchmarkParse(b *testing.B) {
	data := []byte(mustRead(b, seedFile))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if policies, _ := Parse("seed", data); len(policies) != 1 {
			b.Fatal("seed is refused")
		}
	}
}
