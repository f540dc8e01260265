// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"sync"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
)

// journal keeps of the event stream what rows ask for.
type journal struct {
	mu      sync.Mutex
	changed chan struct{}
	err     error // that ended the stream
	// parents has the parent of every process that was told, by exec ids.
	parents map[string]string
	roots   map[uint32]string // exec ids by pid, the last of each
	exits   map[string]bool   // by exec id
	hooks   map[string][]hookEvent
	loads   []*tetragon.ProcessLoader
	losses  []*tetragon.LostEvents
}

// hookEvent is an event of a policy.
type hookEvent struct {
	process *tetragon.Process
	text    string
	message *tetragon.GetEventsResponse
	// kernel and user are the stack traces.
	kernel, user []*tetragon.StackTraceEntry
}

func newJournal() *journal {
	return &journal{
		changed: make(chan struct{}), parents: map[string]string{}, roots: map[uint32]string{},
		exits: map[string]bool{}, hooks: map[string][]hookEvent{},
	}
}

func (j *journal) add(e *tetragon.GetEventsResponse) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case e.GetProcessExec() != nil:
		j.note(e.GetProcessExec().Process)
	case e.GetProcessExit() != nil:
		j.note(e.GetProcessExit().Process)
		j.exits[e.GetProcessExit().Process.ExecId] = true
	case e.GetProcessKprobe() != nil:
		k := e.GetProcessKprobe()
		j.hook(k, hookEvent{text: kprobeText(k), message: e, kernel: k.KernelStackTrace, user: k.UserStackTrace})
	case e.GetProcessTracepoint() != nil:
		j.hook(e.GetProcessTracepoint(), hookEvent{text: tracepointText(e.GetProcessTracepoint()), message: e})
	case e.GetProcessUprobe() != nil:
		j.hook(e.GetProcessUprobe(), hookEvent{text: uprobeText(e.GetProcessUprobe()), message: e})
	case e.GetProcessLsm() != nil:
		j.hook(e.GetProcessLsm(), hookEvent{text: lsmText(e.GetProcessLsm()), message: e})
	case e.GetProcessLoader() != nil:
		j.loads = append(j.loads, e.GetProcessLoader())
	case e.GetProcessUsdt() != nil:
		j.hook(e.GetProcessUsdt(), hookEvent{text: usdtText(e.GetProcessUsdt()), message: e})
	case e.GetVedetteLostEvents() != nil:
		j.losses = append(j.losses, e.GetVedetteLostEvents())
	}
	j.wake()
}

// hooked is an event of any kind of hook.
type hooked interface {
	GetProcess() *tetragon.Process
	GetParent() *tetragon.Process
	GetPolicyName() string
}

func (j *journal) hook(h hooked, e hookEvent) {
	j.note(h.GetParent())
	j.note(h.GetProcess())
	e.process = h.GetProcess()
	j.hooks[h.GetPolicyName()] = append(j.hooks[h.GetPolicyName()], e)
}

func (j *journal) note(p *tetragon.Process) {
	if p == nil {
		return
	}
	j.parents[p.ExecId] = p.ParentExecId
	j.roots[p.Pid.GetValue()] = p.ExecId
}

func (j *journal) wake() {
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *journal) end(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
	j.wake()
}

// await waits until done reports true, which is called with the journal locked. It returns false when that takes
// longer than limit.
func (j *journal) await(limit time.Duration, done func() bool) bool {
	end := time.After(limit)
	for {
		j.mu.Lock()
		ok, changed := done() || j.err != nil, j.changed
		j.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-end:
			return false
		}
	}
}

// exited reports whether the exit of a process has been told. The caller holds the lock.
func (j *journal) exited(pid int) bool { return j.exits[j.roots[uint32(pid)]] }

// texts returns the events that a policy had of a process and its descendants. The caller holds the lock.
func (j *journal) texts(policy string, pid int) []string {
	var out []string
	for _, e := range j.of(policy, pid) {
		if e.process.Pid.GetValue() == uint32(pid) {
			out = append(out, e.text)
		} else {
			out = append(out, "child: "+e.text)
		}
	}
	return out
}

// of returns the same as they are. The caller holds the lock.
func (j *journal) of(policy string, pid int) []hookEvent {
	var out []hookEvent
	for _, e := range j.hooks[policy] {
		if e.process.Pid.GetValue() == uint32(pid) || j.descends(e.process.ExecId, pid) {
			out = append(out, e)
		}
	}
	return out
}

// lost returns what was told as lost, for what causes. The caller holds the lock.
func (j *journal) lost() []string {
	var out []string
	for _, l := range j.losses {
		out = append(out, fmt.Sprintf("%d events (%s: %s)", l.Count, l.Stage, l.Cause))
	}
	return out
}

// descends reports whether a process is below the one with the pid.
func (j *journal) descends(id string, pid int) bool {
	root := j.roots[uint32(pid)]
	for range 100 {
		parent, ok := j.parents[id]
		if !ok || id == "" {
			return false
		}
		if parent == root {
			return true
		}
		id = parent
	}
	return false
}
