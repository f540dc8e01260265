// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// complete returns what the shell would offer for the last argument: of the words it is given, those
// that begin with it.
func complete(tb testing.TB, args ...string) []string {
	tb.Helper()
	got := session{}.run(tb, append([]string{"__complete"}, args...)...)
	if got.status != 0 {
		tb.Fatalf("status %d: %s", got.status, got.stderr)
	}
	var words []string
	for line := range strings.Lines(got.stdout) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(strings.ToLower(word), strings.ToLower(args[len(args)-1])) && !strings.HasPrefix(word, ":") {
			words = append(words, word)
		}
	}
	return words
}

func TestCompletion(t *testing.T) {
	f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{"ListTracingPoliciesResponse": listedPolicies()}})
	names := []string{"partial", "protect-secret"}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"get"}, []string{"getevents"}},
		{[]string{"tp", "set"}, []string{"set-mode"}},
		{[]string{"getevents", "-o", ""}, []string{"json", "compact"}},
		{[]string{"getevents", "--color", "a"}, []string{"auto", "always"}},
		{[]string{"getevents", "-e", "PROCESS_EX"}, []string{"PROCESS_EXEC", "PROCESS_EXIT"}},
		{[]string{"getevents", "-e", "PROCESS_EXEC,process_k"}, []string{"PROCESS_EXEC,PROCESS_KPROBE"}},
		{[]string{"getevents", "--server-address", f.address, "--policy-names", "p"}, names},
		{[]string{"getevents", "--server-address", f.address, "--policy-names", "partial,pro"}, []string{"partial,protect-secret"}},
		{[]string{"tp", "delete", "--server-address", f.address, "p"}, names},
		{[]string{"tp", "delete", "--server-address", f.address, "partial", ""}, nil},
		{[]string{"tp", "delete", "--server-address", "unix:///nowhere", ""}, nil},
		{[]string{"tp", "set-mode", "--server-address", f.address, "partial", ""}, []string{"enforce", "monitor"}},
		{[]string{"tp", "list", "-o", ""}, []string{"text", "wide", "json"}},
		{[]string{"tp", "add", "-m", ""}, []string{"enforce", "monitor"}},
		{[]string{"tp", "add", ""}, []string{"yaml", "yml", "json"}},
		{[]string{"run", "-p", ""}, []string{"yaml", "yml", "json"}},
		{[]string{"loglevel", "set", "d"}, []string{"debug"}},
		{[]string{"agent", "--log-format", ""}, []string{"text", "json"}},
	} {
		got := complete(t, test.args...)
		got = slices.DeleteFunc(got, func(word string) bool { return strings.HasPrefix(word, "bad") })
		slices.Sort(got)
		want := slices.Sorted(slices.Values(test.want))
		if !slices.Equal(got, want) {
			t.Errorf("%v: %q, want %q", test.args, got, want)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		got := session{}.run(t, "completion", shell)
		if got.status != 0 || !strings.Contains(got.stdout, "__complete") {
			t.Errorf("%s: status %d, %d bytes", shell, got.status, len(got.stdout))
		}
	}
	session{}.run(t, "completion", "csh").check(t, exitUsage, "", "vedette: unknown command \"csh\" for \"vedette completion\"; did you mean zsh? (see \"vedette completion --help\")\n")
}
