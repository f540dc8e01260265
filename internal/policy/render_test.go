// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a golden file, or rewrites that with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(mustRead(t, path), got); diff != "" {
		t.Errorf("%s differs:\n%s", path, diff)
	}
}

// hostile is a policy whose errors are behind tabs, wide characters, long
// lines and characters that would act on a terminal.
const hostile = header + `  kprobes:
  - {call: sys_read,		retrun: true}
  - {call: sys_read, message: "日本語", retrun: true}
  - {call: sys_read, message: "` + "e\u0301" + ` is é", retrun: true}
  - {call: sys_read, message: "right` + "\u202e" + `to left", "a` + "\u200b\u202e" + `b": true}
  - {call: sys_read, message: "` + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + `", retrun: true, tags: [ ` + "bb, bb, bb, bb, bb, bb, bb, bb, bb, bb, bb, bb, bb, bb, bb, bb" + ` ]}
  - {call: fd_install}
  - {call: sys_read, "a\e[31mred\x07": true}
`

func TestRenderGolden(t *testing.T) {
	_, diags := Parse("dir/hostile.yaml", []byte(hostile))
	src := NewSource("dir/hostile.yaml", []byte(hostile))
	for name, color := range map[string]bool{"hostile.golden": false, "hostile-color.golden": true} {
		var b strings.Builder
		if err := Render(&b, src, diags, color); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

func TestRenderIsSafe(t *testing.T) {
	text := "a: \x1b]0;x\x07\n\u009b31m \u202e \x00 \xff\n"
	src := NewSource("na\x1bme", []byte(text))
	diags := []Diagnostic{
		{Pos: Pos{1, 4}, Message: "message \x1b[2J \xff", Suggestion: "\u009b"},
		{Pos: Pos{2, 1}, Message: "m"}, {Pos: Pos{2, 99}, Message: "m"}, {Pos: Pos{77, 1}, Message: "m"}, {Message: "m"},
	}
	var b strings.Builder
	if err := Render(&b, src, diags, false); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e') {
			t.Fatalf("character %U in %q", r, b.String())
		}
	}
	if err := Render(&b, nil, diags, false); err != nil {
		t.Errorf("without a source: %v", err)
	}
}

type failingWriter struct{}

var errWriter = errors.New("no space")

func (failingWriter) Write([]byte) (int, error) { return 0, errWriter }

func TestRenderReportsWriteErrors(t *testing.T) {
	if err := Render(failingWriter{}, nil, []Diagnostic{{Message: "a"}}, false); !errors.Is(err, errWriter) {
		t.Errorf("error is %v", err)
	}
}

func TestError(t *testing.T) {
	text := kprobe("    retrun: true\n    message: a\n  - {call: fd_install}\n")
	_, diags := Parse("a.yaml", []byte(text))
	err := AsError(NewSource("a.yaml", []byte(text)), diags)
	want := `a.yaml:8:5: unknown field "retrun"; did you mean "return"?
a.yaml:9:14: message is shorter than 2 characters`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v", err)
	}
	var e *Error
	if !errors.As(err, &e) || len(e.Diagnostics) != 3 {
		t.Errorf("error has %+v", e)
	}
	if err := AsError(nil, diags[2:]); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"a": `"a"`, "a\x1b\"": `"a\x1b\""`, strings.Repeat("a", 65): `"` + strings.Repeat("a", 64) + `"...`,
		strings.Repeat("語", 64): `"` + strings.Repeat("語", 64) + `"`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%q is quoted %s", text, got)
		}
	}
}
