// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vedette-io/vedette/api/tetragon"
)

// Patience is how long anything that must happen may take: 30 seconds, and
// four times that in a guest, which may share its machine with others.
var Patience = patience()

func patience() time.Duration {
	if Emulated() {
		return 2 * time.Minute
	}
	return 30 * time.Second
}

// Agent is a running agent with a run directory of its own, so that agents
// of other tests do not keep it from starting.
type Agent struct {
	tb      testing.TB
	cmd     *exec.Cmd
	log     *Log
	ended   chan struct{}
	err     error
	address string
	conn    *grpc.ClientConn

	// Client calls the agent.
	Client tetragon.FineGuidanceSensorsClient
}

// StartAgent starts an agent and waits until it serves. args are added to
// its command line.
func StartAgent(tb testing.TB, args ...string) *Agent {
	tb.Helper()
	a := LaunchAgent(tb, NewRunDir(tb), args...)
	a.AwaitReady()
	return a
}

// NewRunDir returns a run directory for an agent.
func NewRunDir(tb testing.TB) string {
	tb.Helper()
	// The path of a socket must be short.
	dir, err := os.MkdirTemp("", "vd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// LaunchAgent starts an agent and does not wait until it serves.
func LaunchAgent(tb testing.TB, runDir string, args ...string) *Agent {
	tb.Helper()
	a := &Agent{tb: tb, log: &Log{}, ended: make(chan struct{}), address: "unix://" + filepath.Join(runDir, "vedette.sock")}
	argv := []string{"agent", "--run-dir", runDir, "--server-address", a.address, "--tracing-policy-dir", ""}
	a.cmd = exec.Command(Vedette(tb), append(argv, args...)...)
	a.cmd.Stdout, a.cmd.Stderr = a.log, a.log
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := a.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		a.err = a.cmd.Wait()
		close(a.ended)
	}()
	tb.Cleanup(a.cleanup)
	return a
}

func (a *Agent) cleanup() {
	a.tb.Helper()
	if a.conn != nil {
		if err := a.conn.Close(); err != nil {
			a.tb.Error(err)
		}
	}
	select {
	case <-a.ended:
	default:
		if err := a.Stop(); err != nil {
			a.tb.Errorf("the agent ended with %v", err)
		}
	}
	if a.tb.Failed() {
		a.tb.Logf("log of the agent:\n%s", a.log)
	}
}

// AwaitReady waits until the agent serves, and connects to it.
func (a *Agent) AwaitReady() {
	a.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	a.log.await(ctx, a.ended, "msg=watching")
	conn, err := grpc.NewClient(a.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		a.tb.Fatal(err)
	}
	a.conn, a.Client = conn, tetragon.NewFineGuidanceSensorsClient(conn)
	if _, err := a.Client.GetVersion(ctx, &tetragon.GetVersionRequest{}, grpc.WaitForReady(true)); err != nil {
		a.tb.Fatalf("the agent does not serve: %v\n%s", err, a.log)
	}
}

// Stop ends the agent with SIGTERM and returns the error of its exit status.
func (a *Agent) Stop() error {
	a.tb.Helper()
	return a.End(syscall.SIGTERM)
}

// End ends the agent with a signal and returns the error of its exit status.
func (a *Agent) End(signal syscall.Signal) error {
	a.tb.Helper()
	if err := a.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.tb.Fatal(err)
	}
	return a.Await()
}

// Await waits for the agent's end and returns the error of its exit status.
func (a *Agent) Await() error {
	a.tb.Helper()
	select {
	case <-a.ended:
	case <-time.After(Patience):
		_ = a.cmd.Process.Kill() // it may be ending just now
		a.tb.Fatalf("the agent did not end\n%s", a.log)
	}
	return a.err
}

// PID is the agent's process id.
func (a *Agent) PID() int { return a.cmd.Process.Pid }

// Address is the agent's server address.
func (a *Agent) Address() string { return a.address }

// Log returns what the agent has written.
func (a *Agent) Log() string { return a.log.String() }

// Vedette runs a command of the client against this agent and returns its
// standard output.
func (a *Agent) Vedette(args ...string) string {
	a.tb.Helper()
	out, err := a.TryVedette(args...)
	if err != nil {
		a.tb.Fatalf("vedette %q: %v\n%s", args, err, out)
	}
	return out
}

// emulatedTimeout is how long the agent's answer to a change of policies may
// take in a guest: the kernel verifies programs with an emulated processor.
const emulatedTimeout = 3 * time.Minute

// TryVedette is [Agent.Vedette] for commands that may fail. The output is
// that of both streams.
func (a *Agent) TryVedette(args ...string) (string, error) {
	a.tb.Helper()
	args = append(args, "--server-address", a.address)
	if Emulated() && (args[0] == "tp" || args[0] == "tracingpolicy") {
		args = append(args, "--timeout", emulatedTimeout.String()) // the default is for real processors
	}
	cmd := exec.Command(Vedette(a.tb), args...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// AddPolicy loads the text of a policy.
func (a *Agent) AddPolicy(text string) {
	a.tb.Helper()
	if _, err := a.Client.AddTracingPolicy(context.Background(), &tetragon.AddTracingPolicyRequest{Yaml: text}); err != nil {
		a.tb.Fatalf("add policy: %v\n%s", err, text)
	}
}

// Log is the output of a program that runs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // closed at the next write, nil when nobody waits
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.news != nil {
		close(l.news)
		l.news = nil
	}
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until text is there, the program has ended or ctx has, and
// reports whether text is there.
func (l *Log) await(ctx context.Context, ended <-chan struct{}, text string) bool {
	for {
		l.mu.Lock()
		if bytes.Contains(l.text.Bytes(), []byte(text)) {
			l.mu.Unlock()
			return true
		}
		if l.news == nil {
			l.news = make(chan struct{})
		}
		news := l.news
		l.mu.Unlock()
		select {
		case <-news:
		case <-ended:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// AwaitLog waits until the agent has written text, and reports whether it has.
func (a *Agent) AwaitLog(text string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return a.log.await(ctx, a.ended, text)
}

// Signal sends the agent a signal that does not end it.
func (a *Agent) Signal(signal syscall.Signal) {
	a.tb.Helper()
	if err := a.cmd.Process.Signal(signal); err != nil {
		a.tb.Fatal(err)
	}
}
