// SPDX-License-Identifier: Apache-2.0

package record

import (
	"strings"
	"testing"
)

func TestAppendArguments(t *testing.T) {
	tests := map[string]struct {
		argv []string
		want string
	}{
		"none":                  {nil, ""},
		"only the command":      {[]string{"cat"}, ""},
		"one":                   {[]string{"cat", "/etc/passwd"}, "/etc/passwd"},
		"several":               {[]string{"ls", "-l", "-a", "/"}, "-l -a /"},
		"with space, first":     {[]string{"bash", "a b"}, `"a b"`},
		"with space, later":     {[]string{"bash", "-c", "cat /etc/passwd", "x"}, `-c "cat /etc/passwd" x`},
		"inner quotes stay":     {[]string{"bash", "-c", `echo "x y"`}, `-c "echo "x y""`},
		"quotes without space":  {[]string{"echo", `"x"`}, `"x"`},
		"only a space":          {[]string{"echo", " "}, `" "`},
		"tab and newline":       {[]string{"echo", "a\tb", "c\nd"}, "a\tb c\nd"},
		"empty in the middle":   {[]string{"echo", "a", "", "b"}, `a "" b`},
		"empty first":           {[]string{"echo", "", "b"}, `"" b`},
		"empty last":            {[]string{"echo", "a", ""}, `a ""`},
		"only an empty one":     {[]string{"echo", ""}, `""`},
		"two empty ones":        {[]string{"echo", "", ""}, `"" ""`},
		"empty command":         {[]string{"", "a"}, "a"},
		"command with a space":  {[]string{"my cat", "a"}, "a"},
		"not UTF-8":             {[]string{"echo", "\xff\xfe"}, "\xff\xfe"},
		"escape sequences stay": {[]string{"echo", "\x1b[2J"}, "\x1b[2J"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			area := ""
			for _, arg := range test.argv {
				area += arg + "\x00"
			}
			got := string(AppendArguments([]byte("pre|"), []byte(area)))
			if got != "pre|"+test.want {
				t.Errorf("AppendArguments(%q) = %q, want %q", area, got, "pre|"+test.want)
			}
		})
	}
}

func TestAppendArgumentsTruncated(t *testing.T) {
	for area, want := range map[string]string{
		"ca":             "",
		"cat\x00":        "",
		"cat\x00/etc/pa": "/etc/pa",
		"cat\x00a b":     `"a b"`,
	} {
		if got := string(AppendArguments(nil, []byte(area))); got != want {
			t.Errorf("AppendArguments(%q) = %q, want %q", area, got, want)
		}
	}
}

func BenchmarkAppendArguments(b *testing.B) {
	area := []byte("bash\x00-c\x00" + strings.Repeat("cat /etc/passwd; ", 16) + "\x00x\x00")
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendArguments(dst[:0], area)
	}
}
