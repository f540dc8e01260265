// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/vedette-io/vedette/internal/vmtest"
	"github.com/vedette-io/vedette/test/lab"
)

// errFailed says that a test failed, which has been told.
var errFailed = errors.New("tests failed")

// The guests of tests: their files are in memory, and so is all that the tests load. Tests write to the disk.
const (
	guestMemory = 1536
	guestDisk   = 1024
)

// environment is that of the tests. The random policies take long to verify. How much is tried can be said here as on
// a machine.
func environment(programs string) []string {
	env := []string{lab.BuiltEnv + "=" + programs, "VEDETTE_CORPUS_SETS=20", "VEDETTE_MACHINE_TESTS=1"}
	for _, name := range []string{"VEDETTE_LONG", "VEDETTE_CORPUS_SETS"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// grace is how much longer a guest may live than the tests in it, which report what hangs.
const grace = 30 * time.Second

// result is how the tests of a package went on a kernel.
type result struct {
	pkg    string
	output string
	code   int
	err    error
	took   time.Duration
}

// test runs the tests of a package in a guest.
func (s *suite) test(ctx context.Context, o *options, k vmtest.Kernel, p pkg) result {
	var out locked
	guest := vmtest.Guest{
		Kernel: k, Memory: guestMemory, Disk: guestDisk, Timeout: o.timeout + grace, Dir: p.Dir,
		Files: s.files, Env: environment(s.programs),
		Stdout: &out, Stderr: &out,
	}
	if testdata := filepath.Join(p.Dir, "testdata"); exists(testdata) {
		guest.Files = append(guest.Files[:len(guest.Files):len(guest.Files)], vmtest.File{Host: testdata})
	}
	start := time.Now()
	ended, err := guest.Run(ctx, p.binary, "-test.v", "-test.timeout="+o.timeout.String(), "-test.run="+o.run)
	r := result{pkg: p.ImportPath, output: out.String(), code: ended.ExitCode, err: err, took: time.Since(start)}
	return r
}

func (r result) failed() bool { return r.err != nil || r.code != 0 }

// print prints what "go test" prints of a package, and the tests that were skipped.
func (r result) print(w io.Writer, kernel string, verbose bool) {
	switch {
	case verbose || r.failed():
		fmt.Fprint(w, r.output)
	default:
		fmt.Fprint(w, skips(r.output))
	}
	if r.err != nil {
		fmt.Fprintf(w, "%v\n", r.err)
	}
	if dead := (*vmtest.DeadError)(nil); errors.As(r.err, &dead) {
		fmt.Fprintf(w, "--- end of the kernel's log\n%s---\n", dead.Log)
	}
	verdict := "ok  "
	if r.failed() {
		verdict = "FAIL"
	}
	fmt.Fprintf(w, "%s\t%s [kernel %s]\t%.3fs\n", verdict, r.pkg, kernel, r.took.Seconds())
}

// skipped is a test that was skipped, in the output of a test binary with -test.v; speaker is the line after which a test's own lines come.
var (
	skipped = regexp.MustCompile(`^ *--- SKIP: (\S+)`)
	speaker = regexp.MustCompile(`^=== (?:RUN|CONT|NAME) +(\S+)`)
)

// skips returns the lines of the output that tell of skipped tests, with what they say: that comes between the
// line that starts the test and the one that ends it.
func skips(output string) string {
	var text strings.Builder
	said := map[string][]string{}
	current := "" // the test that speaks
	for line := range strings.Lines(output) {
		if m := speaker.FindStringSubmatch(line); m != nil {
			current = m[1]
			continue
		}
		if m := skipped.FindStringSubmatch(line); m != nil {
			text.WriteString(line + strings.Join(said[m[1]], ""))
			continue
		}
		if strings.HasPrefix(line, "    ") {
			said[current] = append(said[current], line)
		}
	}
	return text.String()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// locked is a buffer that both outputs of a command write to.
type locked struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}
