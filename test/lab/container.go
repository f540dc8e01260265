// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The files of the container that matter to the seed policy.
const (
	KeyFile    = "/usr/irissys/mgr/iris.key"
	SecretFile = "/usr/irissys/secrets/password.txt"
	OtherFile  = "/usr/irissys/mgr/iris.cpf"
)

// Container is a running container with the stand-in database.
type Container struct {
	*Session
	// PID is its first process, as the host sees it.
	PID int
}

// StartContainer starts a container and waits until its database answers.
func StartContainer(tb testing.TB) *Container {
	tb.Helper()
	dir := tb.TempDir()
	c := &Container{Session: startSession(tb, exec.Command(irisdb.build(tb), "container", dir))}
	if out, code := c.Do("ZF /bin/true"); code != 0 {
		tb.Fatalf("the database does not work: %d\n%s", code, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		tb.Fatal(err)
	}
	if c.PID, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		tb.Fatal(err)
	}
	return c
}

// Enter returns a command that enters the container from outside.
func (c *Container) Enter(argv ...string) *exec.Cmd {
	enter := []string{"-t", strconv.Itoa(c.PID), "-p", "-m", "--"}
	return exec.Command("nsenter", append(enter, argv...)...)
}

// EnterSession starts a session of the database that enters from outside.
func (c *Container) EnterSession() *Session {
	c.tb.Helper()
	cmd := c.Enter("/usr/bin/env", "-C", "/usr/irissys/bin", "/usr/irissys/bin/irisdb", "-w", "/home/irisowner", "-s", "/usr/irissys/mgr")
	return startSession(c.tb, cmd)
}

// Session is a session with the database.
type Session struct {
	tb  testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startSession(tb testing.TB, cmd *exec.Cmd) *Session {
	tb.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// The end of its input ends the database.
		if err := in.Close(); err != nil {
			tb.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the database ended with %v", err)
		}
	})
	return &Session{tb: tb, cmd: cmd, in: in, out: bufio.NewScanner(out)}
}

// Do runs a command line of the database and returns what it printed and
// the exit code.
func (s *Session) Do(line string) (string, int) {
	s.tb.Helper()
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		s.tb.Fatal(err)
	}
	// A database that hangs ends here, not with the whole run.
	hung := time.AfterFunc(Patience, func() { _ = s.cmd.Process.Kill() })
	defer hung.Stop()
	var text strings.Builder
	for s.out.Scan() {
		if code, ok := strings.CutPrefix(s.out.Text(), "exit code: "); ok {
			n, err := strconv.Atoi(code)
			if err != nil {
				s.tb.Fatal(err)
			}
			return text.String(), n
		}
		text.WriteString(s.out.Text() + "\n")
	}
	s.tb.Fatalf("the database ended: %v", s.out.Err())
	return "", 0
}

// Result is how a command ended.
type Result struct {
	// PID was its process id.
	PID uint32
	// Code is its exit code, -1 when a signal ended it.
	Code int
	// Signal is that signal, 0 when none did.
	Signal syscall.Signal
	// Stdout and Stderr are what it printed.
	Stdout, Stderr string
}

// Killed says that SIGKILL ended the command.
func (r Result) Killed() bool { return r.Signal == syscall.SIGKILL }

// Run runs a command to its end.
func Run(tb testing.TB, cmd *exec.Cmd) Result {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_ = cmd.Wait() // the state tells it
	r := Result{PID: uint32(cmd.Process.Pid), Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.Signal = status.Signal()
	}
	return r
}
