// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/vmtest"
)

// mustKernel makes a directory that looks like a kernel's.
func mustKernel(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Dir(mustWrite(tb, "vmlinux", "ELF"))
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("6.1.0-test\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func TestRunKernel(t *testing.T) {
	kernel, script, good := mustKernel(t), mustScript(t), mustWrite(t, "good.yaml", goodPolicy)
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		args   []string
		argv   []string
		files  []vmtest.File
		result []string
		status int
	}{
		{"command", []string{script, "-x", "a b"}, []string{"--", script, "-x", "a b"}, []vmtest.File{{Host: script}}, nil, 0},
		{"status", []string{script}, []string{"--", script}, []vmtest.File{{Host: script}}, nil, 7},
		{"policies and flags", []string{"--all", "-o", "json", "-p", good, "--policy", good, "--", script},
			[]string{"--all=true", "--output=json", "--policy=" + good, "--policy=" + good, "--", script},
			[]vmtest.File{{Host: good}, {Host: good}, {Host: script}}, nil, 0},
		{"files", []string{"--guest-file", good, "--guest-file", good + ":/etc/x", "--", script}, []string{"--", script},
			[]vmtest.File{{Host: good}, {Host: good, Guest: "/etc/x"}, {Host: script}}, nil, 0},
		{"output file", []string{"--output-file", "events", script}, []string{"--output-file=events", "--", script},
			[]vmtest.File{{Host: script}}, []string{filepath.Join(wd, "events")}, 0},
		{"unknown here", []string{"no-such-command-here"}, []string{"--", "no-such-command-here"}, nil, nil, 127},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got vmtest.Guest
			var argv []string
			s := session{runGuest: func(_ context.Context, g vmtest.Guest, args ...string) (vmtest.Result, error) {
				got, argv = g, args
				return vmtest.Result{ExitCode: test.status}, nil
			}}
			s.run(t, append([]string{"run", "--kernel", kernel}, test.args...)...).check(t, test.status, "", "")
			if diff := cmp.Diff(append([]string{"run"}, test.argv...), argv[1:]); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.files, got.Files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.result, got.Return); diff != "" || got.Kernel.Release != "6.1.0-test" || got.Dir != wd {
				t.Errorf("guest %+v, results (-want +got):\n%s", got, diff)
			}
		})
	}
}

func TestRunKernelErrors(t *testing.T) {
	t.Setenv("VEDETTE_KERNELS", t.TempDir())
	script := mustScript(t)
	got := session{}.run(t, "run", "--kernel", "5.10", script)
	if got.status != exitFailure || !strings.Contains(got.stderr, "fetch it with scripts/kernels.sh 5.10\n") {
		t.Errorf("a kernel that is not there: %+v", got)
	}
	session{}.run(t, "run", "--guest-file", "/x", script).check(t, exitUsage, "",
		"vedette: --guest-file needs --kernel (see \"vedette run --help\")\n")
	session{}.run(t, "run", "--kernel", mustKernel(t), "--guest-file", "/x:y", script).check(t, exitFailure, "",
		"vedette: --guest-file: \"/x:y\": the path in the guest must be absolute\n")
	dead := session{runGuest: func(context.Context, vmtest.Guest, ...string) (vmtest.Result, error) {
		return vmtest.Result{}, &vmtest.DeadError{Reason: "its kernel panicked", Log: "Kernel panic\n"}
	}}
	dead.run(t, "run", "--kernel", mustKernel(t), script).check(t, exitFailure, "",
		"vedette: the guest died: its kernel panicked\n  Kernel panic\n")
}
