// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// watch is a command that runs while something else is done.
type watch struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	mu     sync.Mutex
	out    strings.Builder
}

// startWatch starts a command whose output is collected. The caller stops it.
func startWatch(tb testing.TB, argv ...string) *watch {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	w := &watch{cmd: cluster.Command(ctx, argv...), cancel: cancel}
	w.cmd.Stdout, w.cmd.Stderr = w, w
	if err := w.cmd.Start(); err != nil {
		cancel()
		tb.Fatal(err)
	}
	return w
}

// Write takes what the command prints.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

func (w *watch) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

// has says what is wrong where nothing that was printed matches the pattern.
func (w *watch) has(pattern string) error {
	text := w.text()
	if !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("nothing matches %s in\n%s", pattern, text)
	}
	return nil
}

// stop ends the command and waits for it. Being killed is how it ends.
func (w *watch) stop() {
	w.cancel()
	_ = w.cmd.Wait()
}

// enterer returns a function that runs a command in the database's container from its node, as kubectl exec does but
// without the API server, and returns what the command printed and its status, 128 and the signal where one killed it.
func enterer(tb testing.TB, node string) func(argv ...string) (string, int) {
	tb.Helper()
	number, err := strconv.Atoi(strings.TrimPrefix(node, "node"))
	if err != nil {
		tb.Fatal(err)
	}
	const find = `for p in /proc/[0-9]*; do if grep -qsx irisdb $p/comm; then echo ${p#/proc/}; fi; done`
	pids := strings.Fields(onNode(tb, number, "sh", "-c", find).stdout)
	if len(pids) == 0 {
		tb.Fatalf("no database runs on %s", node)
	}
	return func(argv ...string) (string, int) {
		tb.Helper()
		r := onNode(tb, number, append([]string{"nsenter", "-t", pids[0], "-m", "-p", "--"}, argv...)...)
		return r.stdout, r.code
	}
}

// onNode runs a command on a node.
func onNode(tb testing.TB, number int, argv ...string) result {
	tb.Helper()
	cmd, err := cluster.NodeCommand(number, argv...)
	if err != nil {
		tb.Fatal(err)
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatal(err)
	}
	code := cmd.ProcessState.ExitCode()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return result{stdout.String(), stderr.String(), code}
}
