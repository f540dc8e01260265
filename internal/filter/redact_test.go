// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"testing"
)

func mustRedactions(tb testing.TB, text string) *Redactions {
	tb.Helper()
	list, err := ParseRedactions(text)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := CompileRedactions(list)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestRedactions(t *testing.T) {
	for _, c := range []struct{ filters, binary, text, want string }{
		{``, "/bin/a", "--pass x", "--pass x"},
		{`{"redact":["--pass(?:word)?[ =](\\S+)"]}`, "/bin/a", "--pass x -v --password=yy", "--pass ***** -v --password=*****"},
		{`{"redact":["-p (\\S+)"],"binary_regex":["/ssh$"]}`, "/bin/a", "-p x", "-p x"},
		{`{"redact":["-p (\\S+)"],"binary_regex":["/ssh$","/scp$"]}`, "/bin/scp", "-p x", "-p *****"},
		{`{"redact":["user=(\\w+):(\\w+)"]}`, "", "user=a:b c", "user=*****:***** c"},
		{`{"redact":["((a)b)c"]}`, "", "xabcabc", "x*****c*****c"},
		{`{"redact":["(?:(a)|(b))+"]}`, "", "-ba-", "-**********-"}, // the second group is before the first
		{`{"redact":["(x*)"]}`, "", "ab", "ab"},                     // nothing to take out
		{`{"redact":["(secret)"]}`, "", "secret secret", "***** *****"},
		{`{"redact":["key (\\S+)"]} {"redact":["(gr\u00fc\u00dfe)"]}`, "", "key a gr\u00fc\u00dfe \xff", "key ***** ***** \xff"},
	} {
		if got := mustRedactions(t, c.filters).Apply(c.binary, c.text); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.filters, c.text, got, c.want)
		}
	}
}

func TestWrongRedactions(t *testing.T) {
	for _, c := range []struct{ filters, want string }{
		{`{"redact":["(a"]}`, `redaction_filters[0].redact[0]: "(a": missing closing ): "(a"`},
		{`{"redact":["(a)"]} {"redact":["(a)","a"]}`, `redaction_filters[1].redact[1]: "a": no group`},
		{`{"redact":["(a)"],"binary_regex":["["]}`, `redaction_filters[0].binary_regex[0]: "["`},
		{`{"binary_regex":["a"]}`, "redaction_filters[0].redact: no expression"},
		{`{"redact":["(a)"],"match":[{"pid":[1]}]}`, "redaction_filters[0].match: is deprecated"},
		{"{\"redact\":[\"(a)\"]}\n{\"frob\":1}", `line 2: filter 2: `},
		{`["(a)"]`, "line 1: filter 1: a JSON object is expected"},
	} {
		list, err := ParseRedactions(c.filters)
		if err == nil {
			_, err = CompileRedactions(list)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.filters, err, c.want)
		}
	}
}

func FuzzRedactions(f *testing.F) {
	f.Add(`--pass (\S+)`, "a --pass b --pass c")
	f.Add(`(?:(a)|(b))*`, "abba")
	f.Add(`((x)|y(z))`, "xyz")
	f.Fuzz(func(t *testing.T, expression, text string) {
		list := mustRedactions(t, `{"redact":["(.*)"]}`) // what takes out all leaves nothing
		if got := list.Apply("", "line"); got != Redacted {
			t.Fatalf("%q", got)
		}
		p, err := newPatterns("redact", []string{expression})
		if err != nil {
			t.Skip()
		}
		got := takeOut(p[0], text)
		for _, match := range p[0].FindAllStringSubmatch(text, -1) {
			if len(match) == 2 && match[1] == text && text != "" && got != Redacted {
				t.Errorf("%q of %q: %q", expression, text, got)
			}
		}
		kept := strings.ReplaceAll(got, Redacted, "")
		for i := range len(kept) { // what is kept is in the text, in this order
			at := strings.IndexByte(text, kept[i])
			if at < 0 && kept[i] != '*' {
				t.Fatalf("%q of %q: %q", expression, text, got)
			}
			text = text[at+1:]
		}
	})
}

func BenchmarkRedactions(b *testing.B) {
	r := mustRedactions(b, `{"redact":["--pass(?:word)?[ =](\\S+)"],"binary_regex":["/mysql$"]}`)
	b.ReportAllocs()
	for b.Loop() {
		r.Apply("/usr/bin/ls", "-l /tmp --color=auto")
	}
}
