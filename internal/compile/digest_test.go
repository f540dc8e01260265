// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
)

// digested has a uprobe in a file with a digest, and a hook of another kind.
const digested = `  uprobes:
  - path: /bin//sh
    symbols: [main, other]
    binaryDigests: ["build-id:ab", "build-id:cd"]
`

func TestBinaryDigests(t *testing.T) {
	stamp := executable.Stamp{Identity: executable.Identity{Inode: 7}, Changed: 9}
	rejected := &executable.DigestError{Path: "/bin/sh", Expected: []string{"build-id:ab"}, Found: []string{"build-id:ef"}}
	const ignore = "    ignore: {digestVerificationFailure: true}\n"
	for _, test := range []struct {
		name, more string
		err        error
		hooks      int
		skipped    int
		want       string // of the error
	}{
		{"right", "", nil, 3, 0, ""},
		{"right, ignored", ignore, nil, 3, 0, ""},
		{"wrong", "", rejected, 0, 0, `:9:20: /bin/sh: the file is another one than binaryDigests allows: expected build-id:ab, found build-id:ef`},
		{"wrong, ignored", ignore, rejected, 1, 2, ""},
		{"not to be read, ignored", ignore, errors.New("no such file"), 0, 0, "no such file"},
		{"wrong, other things ignored", "    ignore: {callNotFound: true}\n", rejected, 0, 0, "another one"},
	} {
		p := mustParse(t, spec("digests", digested+test.more+"  kprobes: [{call: sys_read}]\n"))
		in := input(p)
		var path string
		var digests []string
		in.Policies[0].Verify = func(p string, d []string) (executable.Stamp, error) {
			path, digests = p, d
			return stamp, test.err
		}
		plan, err := compile.Compile(in)
		if path != "/bin/sh" || !reflect.DeepEqual(digests, []string{"build-id:ab", "build-id:cd"}) {
			t.Errorf("%s: verified %q, %q", test.name, path, digests)
		}
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error %v, want %q", test.name, err, test.want)
			}
			continue
		}
		if err != nil || len(plan.Hooks) != test.hooks || len(plan.Skipped) != test.skipped {
			t.Errorf("%s: %+v, %v", test.name, plan, err)
			continue
		}
		for _, h := range plan.Hooks {
			if g := h.Groups[0]; h.Key.Kind == compile.HookUprobe && (g.Verified == nil || *g.Verified != stamp) {
				t.Errorf("%s: verified %+v", test.name, g.Verified)
			}
		}
		for i, s := range plan.Skipped {
			want := compile.Skipped{Section: "uprobes", Function: []string{"/bin/sh:main", "/bin/sh:other"}[i], Digest: true, Reason: rejected.Error()}
			if s != want {
				t.Errorf("%s: skipped %+v, want %+v", test.name, s, want)
			}
		}
	}
}

// A policy that is only checked may be for another machine.
func TestBinaryDigestsUnverified(t *testing.T) {
	if h := mustCompile(t, mustParse(t, spec("digests", digested))).Hooks; len(h) != 2 || h[0].Groups[0].Verified != nil {
		t.Errorf("hooks %+v", h)
	}
}
