// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
)

// content is what the file holds that nobody may read.
const content = "the key of the database, which must not get out"

const contentSize = len(content)

// tries is how often each way to read is tried; VEDETTE_LONG asks for more.
func tries() int {
	if os.Getenv("VEDETTE_LONG") != "" {
		return 100
	}
	return 10
}

// killOnFunctions kills whoever reads or maps the file, at the functions that
// ask the LSMs.
func killOnFunctions(path string) string {
	return "  kprobes:\n" + killAt("security_file_permission", path) + killAt("security_mmap_file", path)
}

func killAt(function, path string) string {
	return fmt.Sprintf(`  - call: %s
    syscall: false
    args: [{index: 0, type: file}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [%q]}]
      matchActions: [{action: Sigkill}]
`, function, path)
}

// killOnCalls kills whoever reads or maps the file, at the system calls.
func killOnCalls(path string) string {
	spec := "  kprobes:\n"
	for _, call := range []struct {
		name string
		fd   int
	}{{"read", 0}, {"pread64", 0}, {"readv", 0}, {"preadv2", 0}, {"sendfile", 1}, {"splice", 0}, {"copy_file_range", 0}, {"mmap", 4}} {
		spec += fmt.Sprintf(`  - call: sys_%s
    args: [{index: %d, type: fd}]
    selectors:
    - matchArgs: [{index: %d, operator: Equal, values: [%q]}]
      matchActions: [{action: Sigkill}]
`, call.name, call.fd, call.fd, path)
	}
	return spec
}

// TestKillLetsNothingOut kills readers of a file, and finds that nothing of
// it has come to where they read it to: the attachment refuses the operation.
func TestKillLetsNothingOut(t *testing.T) {
	for _, c := range []struct {
		name string
		spec func(string) string
		not  []string
	}{
		{"functions", killOnFunctions, nil},
		// What io_uring does passes no system call of its own.
		{"calls", killOnCalls, []string{"io_uring", "io_uring async"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := mustStart(t)
			path := mustContent(t)
			for _, way := range slices.Sorted(maps.Keys(readers)) {
				mustRead(t, way, path)
			}
			mustRefuse(t, k.mustApply(t, c.spec(path)))
			defer k.mustLift(t)
			for _, way := range slices.Sorted(maps.Keys(readers)) {
				if slices.Contains(c.not, way) {
					continue
				}
				t.Run(way, func(t *testing.T) {
					for range tries() {
						got, err := readAs(t, way, path)
						mustBeKilled(t, err)
						if got != "" {
							t.Fatalf("%q got out", got)
						}
					}
				})
			}
			t.Run("cat", func(t *testing.T) { mustKillPrograms(t, path) })
		})
	}
}

// mustRefuse skips the test where the attachments cannot refuse.
func mustRefuse(t *testing.T, loaded []hook.Loaded) {
	t.Helper()
	for _, l := range loaded {
		if l.Caveat != "" && kernel.Offered().Check(kernel.FeatureFmodRet) != nil {
			t.Skipf("%s is attached by %s: %s", l.Hook.Key.Name, l.Attachment, l.Caveat)
		}
		if strings.Contains(l.Caveat, "precede") {
			t.Errorf("%s is attached by %s: %s", l.Hook.Key.Name, l.Attachment, l.Caveat)
		}
	}
}

func mustContent(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	mustNil(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// mustRead shows that the way works while nobody forbids it.
func mustRead(t *testing.T, way, path string) {
	t.Helper()
	got, err := readAs(t, way, path)
	if errors.Is(err, unix.ENOSYS) || strings.HasPrefix(way, "io_uring") && err != nil {
		t.Logf("%s: %v", way, err)
		return
	}
	mustNil(t, err)
	if got != content {
		t.Fatalf("%s brought %q", way, got)
	}
}

// readAs runs a reader, and returns what came out of it by any way.
func readAs(t *testing.T, way, path string) (string, error) {
	t.Helper()
	memory, err := unix.MemfdCreate("enforce", unix.MFD_CLOEXEC)
	mustNil(t, err)
	shared := os.NewFile(uintptr(memory), "memory")
	defer shared.Close()
	mustNil(t, shared.Truncate(size))
	in, out, err := os.Pipe()
	mustNil(t, err)
	defer in.Close()
	copied, err := os.Create(filepath.Join(filepath.Dir(path), "copy"))
	mustNil(t, err)
	defer copied.Close()
	cmd := exec.Command(os.Args[0], way)
	cmd.Env = append(os.Environ(), readerVariable+"="+path)
	cmd.ExtraFiles = []*os.File{shared, out, copied}
	var said bytes.Buffer
	cmd.Stderr = &said
	failed := cmd.Run()
	mustNil(t, out.Close())
	var all []byte
	for _, from := range []io.Reader{in, io.NewSectionReader(shared, 0, size), io.NewSectionReader(copied, 0, size)} {
		b, err := io.ReadAll(from)
		mustNil(t, err)
		all = append(all, bytes.Trim(b, "\x00")...)
	}
	if failed != nil {
		failed = fmt.Errorf("%w: %s", failed, &said)
	}
	return string(all), failed
}

func mustBeKilled(t *testing.T, err error) {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("ended with %v, not killed", err)
	}
}

// mustKillPrograms has the programs killed that people read files with.
func mustKillPrograms(t *testing.T, path string) {
	t.Helper()
	for _, argv := range [][]string{{"/usr/bin/cat"}, {"/bin/busybox", "cat"}} {
		if _, err := os.Stat(argv[0]); err != nil {
			t.Logf("not here: %v", err)
			continue
		}
		for range tries() {
			printed, err := exec.Command(argv[0], append(argv[1:], path)...).Output()
			mustBeKilled(t, err)
			if len(printed) != 0 {
				t.Fatalf("%v printed %q", argv, printed)
			}
		}
	}
}

// TestKillWithoutRefusal forces an attachment that cannot refuse: the status
// says what that means.
func TestKillWithoutRefusal(t *testing.T) {
	k := mustStart(t, hook.AttachKprobe, hook.AttachSysEnter)
	path := mustContent(t)
	loaded := k.mustApply(t, killOnFunctions(path))
	defer k.mustLift(t)
	for _, l := range loaded {
		if !strings.Contains(l.Caveat, "may precede the death") {
			t.Errorf("%s by %s: caveat %q", l.Hook.Key.Name, l.Attachment, l.Caveat)
		}
	}
	_, err := readAs(t, "read", path)
	mustBeKilled(t, err)
}
