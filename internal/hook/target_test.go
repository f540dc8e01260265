// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/kernel"
)

// probeCase is an entry on the test program of which PATH stands for the
// path, and how often a rule of it matches.
type probeCase struct {
	name, entry string
	want        uint64
}

const uprobeAt = "  uprobes:\n  - path: PATH\n"

const siteProbe = "  usdts:\n  - path: PATH\n    provider: test\n    name: site\n"

// argIs selects by the value of an argument.
func argIs(index, argType, operator, value string) string {
	return "    args: [{index: " + index + ", type: " + argType + "}]\n    selectors:\n" +
		"    - matchArgs: [{index: " + index + ", operator: " + operator + ", values: [\"" + value + "\"]}]\n"
}

var probeCases = []probeCase{
	{"offset", uprobeAt + "    offsets: [GREET]\n", 5},
	{"address", uprobeAt + "    addrs: [ADDRESS]\n", 5},
	{"behind the symbol", uprobeAt + "    symbols: [greet+3]\n", 5},
	{"several symbols", uprobeAt + "    symbols: [greet, _start]\n", 6},
	{"integer", uprobeAt + "    symbols: [greet]\n" + argIs("0", "int", "GT", "3"), 2},
	{"text", uprobeAt + "    symbols: [greet]\n" + argIs("1", "string", "Postfix", "user memory"), 5},
	{"other text", uprobeAt + "    symbols: [greet]\n" + argIs("1", "string", "NotPrefix", "a text"), 0},
	{"address of the kernel", uprobeAt + "    symbols: [greet]\n" + argIs("2", "string", "NotEqual", "x"), 0},
	{"return of a symbol", uprobeAt + "    symbols: [greet]\n    return: true\n    returnArg: {index: 0, type: int}\n" +
		"    selectors: [{matchReturnArgs: [{index: 0, operator: Equal, values: [\"4\"]}]}]\n", 1},
	{"return of an offset", uprobeAt + "    offsets: [GREET]\n    return: true\n    returnArg: {index: 0, type: uint8}\n" +
		"    selectors: [{matchReturnArgs: [{index: 0, operator: GT, values: [\"4\"]}]}]\n", 2},
	{"all places", siteProbe, 10},
	{"constant", siteProbe + argIs("2", "int", "Equal", "-7"), 10},
	{"constant at another width", siteProbe + argIs("2", "uint32", "Equal", "4294967289"), 10},
	{"text of a probe", siteProbe + argIs("1", "string", "Equal", executabletest.Text), 10},
}

// placeCases need to be told at which place they are.
var placeCases = []probeCase{
	{"signed, register or memory", siteProbe + argIs("0", "int", "Equal", "3"), 2},
	{"unsigned, register or memory", siteProbe + argIs("3", "uint32", "LT", "3"), 4},
}

// TestProbes counts what rules match at places in a program. All policies are
// in force together.
func TestProbes(t *testing.T) {
	_, e := mustEngine(t, Options{})
	for _, way := range inProgram {
		t.Run(string(way), func(t *testing.T) {
			e.attach = []Attachment{way}
			p := executabletest.Build(t)
			cases := probeCases
			if way == AttachUprobeMulti || e.offer.Check(kernel.FeatureCookies) == nil {
				cases = slices.Concat(cases, placeCases)
			} else {
				checkPlaceless(t, e, p)
			}
			var policies, names []string
			for _, c := range cases {
				policies, names = append(policies, c.policy(p)), append(names, c.name)
			}
			err := e.Apply(mustPlan(t, policies...), names, func([]Loaded) {})
			if isMissing(err) {
				t.Skip(err)
			}
			mustLoad(t, err)
			defer mustLeave(t, e, names...)
			if users := mustEnd(t, p); users != len(p.Sites) {
				t.Errorf("the semaphore has %d users, want %d", users, len(p.Sites))
			}
			for _, c := range cases {
				if got := mustPosts(t, e, c.name); got != c.want {
					t.Errorf("%s: %d events, want %d", c.name, got, c.want)
				}
			}
		})
	}
}

func hex(n uint64) string { return fmt.Sprintf("%#x", n) }

// policy is the policy of a case for a program.
func (c probeCase) policy(p executabletest.Program) string {
	return policyOf(strings.NewReplacer("PATH", p.Path, "GREET", hex(p.Greet), "ADDRESS", hex(p.GreetAddress)).Replace(c.entry))
}

// checkPlaceless expects that a kernel without cookies is told as the reason
// why places cannot be told apart.
func checkPlaceless(t *testing.T, e *Engine, p executabletest.Program) {
	t.Helper()
	for _, c := range placeCases {
		err := e.Apply(mustPlan(t, c.policy(p)), []string{"p"}, func([]Loaded) { t.Error("announced") })
		if !isMissing(err) || !strings.Contains(err.Error(), "in different registers: this kernel lacks "+string(kernel.FeatureCookies)) {
			t.Error(err)
		}
	}
}

// mustEnd runs the program and returns its status: the users of its semaphore.
func mustEnd(tb testing.TB, p executabletest.Program) int {
	tb.Helper()
	err := exec.Command(p.Path).Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// mustPosts returns how many events a policy has had.
func mustPosts(tb testing.TB, e *Engine, policy string) uint64 {
	tb.Helper()
	counters, err := e.Counters()
	mustNil(tb, err)
	var sum Counters
	for key, n := range counters {
		if key.Policy == policy {
			sum.Add(n)
		}
	}
	return sum.Post
}

// mustLeave takes all policies out of force.
func mustLeave(tb testing.TB, e *Engine, policies ...string) {
	tb.Helper()
	mustNil(tb, e.Apply(mustPlan(tb), nil, func([]Loaded) {}))
	for _, p := range policies {
		e.Forget(p)
	}
}

// TestUprobeKills ends the program at a call of its function.
func TestUprobeKills(t *testing.T) {
	_, e := mustEngine(t, Options{})
	for _, way := range inProgram {
		t.Run(string(way), func(t *testing.T) {
			e.attach = []Attachment{way}
			p := executabletest.Build(t)
			c := probeCase{entry: uprobeAt + "    symbols: [greet]\n" + argIs("0", "int", "Equal", "3") + "      matchActions: [{action: Sigkill}]\n"}
			err := e.Apply(mustPlan(t, c.policy(p)), []string{"p"}, func([]Loaded) {})
			if isMissing(err) {
				t.Skip(err)
			}
			mustLoad(t, err)
			defer mustLeave(t, e, "p")
			err = exec.Command(p.Path).Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Errorf("the program ended with %v", err)
			}
			if got := mustPosts(t, e, "p"); got != 1 {
				t.Errorf("%d events, want 1", got)
			}
		})
	}
}

// TestPoliciesShareAProbe has policies on one place come and go: each sees
// what it asks for, by one program.
func TestPoliciesShareAProbe(t *testing.T) {
	_, e := mustEngine(t, Options{})
	p := executabletest.Build(t)
	all := probeCase{entry: uprobeAt + "    symbols: [greet]\n"}.policy(p)
	some := probeCase{entry: uprobeAt + "    symbols: [greet]\n" + argIs("0", "int", "LT", "3")}.policy(p)
	ends := probeCase{entry: uprobeAt + "    symbols: [greet]\n    return: true\n    returnArg: {index: 0, type: int}\n"}.policy(p)
	apply := func(names []string, texts ...string) {
		t.Helper()
		mustLoad(t, e.Apply(mustPlan(t, texts...), names, func([]Loaded) {}))
		if len(e.hooks) != 1 {
			t.Fatalf("%d hooks", len(e.hooks))
		}
	}
	apply([]string{"all"}, all)
	mustEnd(t, p)
	apply([]string{"all", "some", "ends"}, all, some, ends)
	mustEnd(t, p)
	apply([]string{"some"}, some)
	mustEnd(t, p)
	for name, want := range map[string]uint64{"all": 10, "some": 4, "ends": 5} {
		if got := mustPosts(t, e, name); got != want {
			t.Errorf("policy %s: %d events, want %d", name, got, want)
		}
	}
}

// TestReplacedProgram exchanges a program's file under its hook.
func TestReplacedProgram(t *testing.T) {
	_, e := mustEngine(t, Options{})
	p := executabletest.Build(t)
	entry := probeCase{entry: uprobeAt + "    symbols: [greet]\n"}.policy(p)
	ends := probeCase{entry: uprobeAt + "    symbols: [greet]\n    return: true\n    returnArg: {index: 0, type: int}\n"}.policy(p)
	mustLoad(t, e.Apply(mustPlan(t, entry), []string{"p"}, func([]Loaded) {}))
	old := p
	old.Path += ".old"
	mustNil(t, os.Rename(p.Path, old.Path))
	mustNil(t, os.Rename(executabletest.Build(t).Path, p.Path))
	mustEnd(t, p)
	mustEnd(t, old)
	if got := mustPosts(t, e, "p"); got != 5 {
		t.Errorf("%d events, want 5 of the file that was there when the policy was loaded", got)
	}
	err := e.Apply(mustPlan(t, entry, ends), []string{"p", "q"}, func([]Loaded) { t.Error("announced") })
	if err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error %v", err)
	}
	mustLeave(t, e, "p")
	mustLoad(t, e.Apply(mustPlan(t, entry), []string{"p"}, func([]Loaded) {}))
	mustEnd(t, p)
	mustEnd(t, old)
	if got := mustPosts(t, e, "p"); got != 5 {
		t.Errorf("%d events, want 5 of the new file", got)
	}
}

// TestProbeNowhere names what is wrong with a place in a program.
func TestProbeNowhere(t *testing.T) {
	_, e := mustEngine(t, Options{})
	p := executabletest.Build(t)
	script := filepath.Join(t.TempDir(), "script")
	mustNil(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755))
	for _, c := range []struct{ entry, want string }{
		{uprobeAt + "    symbols: [graet]\n", p.Path + `: there is no function "graet"; did you mean greet?`},
		{uprobeAt + "    offsets: [0x100000]\n", "no code at offset 0x100000"},
		{uprobeAt + "    addrs: [1]\n", "no code at address 0x1"},
		{"  uprobes:\n  - path: PATH.none\n    symbols: [greet]\n", p.Path + ".none: no such file"},
		{"  uprobes:\n  - path: " + script + "\n    symbols: [greet]\n", "not an ELF file"},
		{uprobeAt + "    addrs: [ADDRESS1]\n    return: true\n    returnArg: {index: 0, type: int}\n", "no code"},
		{uprobeAt + "    offsets: [BEHIND]\n    return: true\n    returnArg: {index: 0, type: int}\n", "no function is known to begin"},
		{"  uprobes:\n  - path: /proc/self/exe\n    symbols: [runtime.main]\n    return: true\n    returnArg: {index: 0, type: int}\n", "Go function"},
		{"  usdts:\n  - {path: PATH, provider: test, name: sites}\n", "did you mean test:site?"},
		{"  usdts:\n  - {path: PATH, provider: test, name: plain, args: [{index: 1, type: int}]}\n", "floating-point"},
		{"  usdts:\n  - {path: PATH, provider: test, name: plain, args: [{index: 2, type: int}]}\n", "no argument 2 (counted from 0): the static probe has 2"},
	} {
		text := strings.ReplaceAll(c.entry, "BEHIND", hex(p.Greet+3))
		err := e.Apply(mustPlan(t, probeCase{entry: text}.policy(p)), []string{"p"}, func([]Loaded) { t.Error("announced") })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", text, err, c.want)
		}
	}
}
