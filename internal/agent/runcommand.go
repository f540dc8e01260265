// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// commandDrain is how long the events of a command that has ended may take
// to come through.
const commandDrain = 2 * time.Second

// RunCommand starts an agent without a server, applies the policies, and
// runs the command. emit is called with the events of the command and its
// descendants, or of the whole host. It returns when the command has ended
// and its last event has been emitted. A command that cannot be executed is
// a [*StartError]; policies that cannot be loaded are an error, and the
// command is not run.
func RunCommand(ctx context.Context, cfg Config, cmd Command, emit func(*event.Event)) (CommandResult, error) {
	w := &watch{all: cmd.All, emit: emit, ended: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(cmd.messages(), &slog.HandlerOptions{Level: slog.LevelError}))
	c, err := newCore(cfg, log, w.take)
	if err != nil {
		return CommandResult{}, err
	}
	state, err := w.run(ctx, c, cmd)
	// Events that waited for build ids or symbols come while it closes.
	if err = errors.Join(err, c.close()); state == nil {
		return CommandResult{}, err
	}
	return w.result(state), err
}

func (c *Command) messages() io.Writer {
	if c.Stderr != nil {
		return c.Stderr
	}
	return io.Discard
}

// child prepares the command's process. A stream that is not given is
// /dev/null.
func (c *Command) child() *exec.Cmd {
	child := &exec.Cmd{Path: c.Path, Args: c.Argv, SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	// A nil *os.File in an interface would not be nil.
	if c.Stdin != nil {
		child.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		child.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		child.Stderr = c.Stderr
	}
	return child
}

// watch follows one command and its descendants.
type watch struct {
	all   bool
	emit  func(*event.Event)
	ended chan struct{} // closed at the command's exit event

	mu      sync.Mutex
	started bool
	pid     uint32
	tree    map[string]bool // exec ids of the command and its descendants
	kill    *Kill
	done    bool
	end     int64 // when, in nanoseconds since the Unix epoch
}

// run returns how the command ended, nil where it was not run.
func (w *watch) run(ctx context.Context, c *core, cmd Command) (*os.ProcessState, error) {
	if err := c.start(); err != nil {
		return nil, err
	}
	for _, file := range cmd.Policies {
		if err := c.policies.AddFile(file); err != nil {
			return nil, fmt.Errorf("policy %s: %w", file, err)
		}
	}
	c.settled()
	// The kernel sends Pdeathsig when the thread that forked ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child := cmd.child()
	if err := w.start(child); err != nil {
		return nil, &StartError{Path: cmd.Path, Err: err}
	}
	err := w.wait(ctx, child)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("wait for %s: %w", cmd.Path, err)
	}
	w.drain()
	return child.ProcessState, nil
}

// start starts the command. Its events wait until its pid is known.
func (w *watch) start(child *exec.Cmd) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := child.Start(); err != nil {
		return err
	}
	w.pid, w.started, w.tree = uint32(child.Process.Pid), true, map[string]bool{}
	return nil
}

// wait waits for the command, which ends with ctx.
func (w *watch) wait(ctx context.Context, child *exec.Cmd) error {
	stop := context.AfterFunc(ctx, func() {
		// A command that has just ended cannot be signalled: nothing to do.
		_ = child.Process.Signal(syscall.SIGTERM)
	})
	defer stop()
	return child.Wait()
}

// drain waits for the command's exit event.
func (w *watch) drain() {
	t := time.NewTimer(commandDrain)
	defer t.Stop()
	select {
	case <-w.ended:
	case <-t.C:
	}
}

// take receives every event of the host.
func (w *watch) take(e *event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started || !w.all && w.isOver(e) {
		return
	}
	ours := w.belongs(e)
	if ours || w.all || e.Kind == event.KindLost {
		w.emit(e)
	}
	if !ours || e.Process.PID != w.pid {
		return
	}
	if e.Kind == event.KindExit {
		if !w.done {
			close(w.ended)
		}
		w.done, w.end = true, e.Time
		return
	}
	if e.Hook.Action == tetragon.KprobeAction_KPROBE_ACTION_SIGKILL {
		w.kill = killOf(e)
	}
}

// isOver reports whether an event is of a time after the command's end. What
// comes late can be of a time before: events wait for build ids and symbols.
func (w *watch) isOver(e *event.Event) bool { return w.done && e.Time > w.end }

// belongs reports whether an event is of the command or of a descendant.
func (w *watch) belongs(e *event.Event) bool {
	p := e.Process
	if p == nil {
		return false
	}
	if w.tree[p.ExecID] {
		return true
	}
	root := p.PID == w.pid && len(w.tree) == 0 && (e.Parent == nil || e.Parent.PID == uint32(os.Getpid()))
	if root || w.tree[p.ParentExecID] {
		w.tree[p.ExecID] = true
		return true
	}
	return false
}

// killOf describes the event of a kill.
func killOf(e *event.Event) *Kill {
	k := &Kill{Policy: e.Hook.PolicyName, Hook: e.Hook.Function}
	if k.Hook == "" {
		k.Hook = e.Hook.Subsystem + "/" + e.Hook.Event
	}
	for i := range e.Hook.Args {
		if text := argumentText(&e.Hook.Args[i]); text != "" {
			k.Argument = "argument " + strconv.Itoa(i) + " = " + text
			break
		}
	}
	return k
}

// argumentText is an argument that names something, as people read it.
func argumentText(a *event.Arg) string {
	switch a.Kind {
	case event.ArgFile, event.ArgPath:
		return string(a.Bytes)
	case event.ArgString:
		return strconv.Quote(string(a.Bytes))
	}
	return ""
}

// result says how the command ended.
func (w *watch) result(state *os.ProcessState) CommandResult {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return CommandResult{ExitCode: state.ExitCode()}
	}
	r := CommandResult{ExitCode: 128 + int(status.Signal())}
	w.mu.Lock()
	defer w.mu.Unlock()
	if status.Signal() == syscall.SIGKILL {
		r.KilledBy = w.kill
	}
	return r
}
