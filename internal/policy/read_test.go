// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mustWrite writes a file of the size and content into a new directory.
func mustWrite(tb testing.TB, content string, size int64) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestReadFileRefuses(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, message string
		is                  error
	}{
		{"directory", t.TempDir(), "is a directory", nil},
		{"FIFO", fifo, "not a regular file", nil},
		{"device", "/dev/zero", "not a regular file", nil},
		{"100 MB", mustWrite(t, "", 100<<20), "104857600 bytes, the limit is 1048576", ErrTooLarge},
		{"absent", filepath.Join(t.TempDir(), "absent"), "no such file", os.ErrNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			policies, diags, err := ReadFile(c.path)
			if err == nil || policies != nil || diags != nil {
				t.Fatalf("got %v, %v, %v", policies, diags, err)
			}
			if !strings.Contains(err.Error(), c.message) || !strings.Contains(err.Error(), c.path) {
				t.Errorf("error is %q", err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %q is not %q", err, c.is)
			}
		})
	}
}

func TestReadFileAtTheLimit(t *testing.T) {
	text := header + "  loader: true\n#"
	text += strings.Repeat("a", MaxSize-len(text))
	policies, diags, err := ReadFile(mustWrite(t, text, MaxSize))
	if len(policies) != 1 || len(diags) != 0 || err != nil {
		t.Errorf("%d policies, %v, %v", len(policies), diags, err)
	}
	if _, diags := Parse("", []byte(text+"a")); len(diags) != 1 || !strings.Contains(diags[0].Message, "1048577 bytes") {
		t.Errorf("diagnostics of a larger text: %v", diags)
	}
}

func TestReadSource(t *testing.T) {
	path := mustWrite(t, "a\r\nb\n\nc", 7)
	src, err := ReadSource(path)
	if err != nil || src.Name != path {
		t.Fatalf("%+v, %v", src, err)
	}
	for line, want := range []string{"", "a", "b", "", "c", ""} {
		if got := src.Line(line); got != want {
			t.Errorf("line %d is %q, want %q", line, got, want)
		}
	}
}
