// SPDX-License-Identifier: Apache-2.0

package process

import (
	"container/list"
	"time"
	"unique"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// Tree is the process tree. It is not safe for concurrent use.
type Tree struct {
	opts  Options
	grace uint64
	now   uint64 // the latest time seen, in nanoseconds since boot

	images  map[ID]*Process
	current map[uint32]*Process // the running image of each process
	kernel  *Process

	// running is in the order of last use; held has ended nodes with running descendants and quiet
	// the others, both in the order in which they became so.
	running, held, quiet queue

	// long has the nodes with long arguments, oldest first, and longBytes what they take.
	long      list.List
	longBytes int

	arguments argumentStore
	flagNames map[flags]string
	scratch   []byte
	stats     Stats
}

// NewTree returns a tree in which there is only the kernel, process 0.
func NewTree(opts Options) *Tree {
	if opts.Capacity <= 0 {
		opts.Capacity = DefaultCapacity
	}
	if opts.Grace <= 0 {
		opts.Grace = DefaultGrace
	}
	t := &Tree{
		opts:      opts,
		grace:     uint64(opts.Grace / time.Nanosecond),
		images:    make(map[ID]*Process),
		current:   make(map[uint32]*Process),
		flagNames: make(map[flags]string),
	}
	t.kernel = t.newKernel()
	t.images[kernelID] = t.kernel
	return t
}

// newKernel makes the node of process 0, which is in no queue and never leaves.
func (t *Tree) newKernel() *Process {
	execID := string(AppendExecID(nil, t.opts.Node, kernelID))
	return &Process{
		id:  kernelID,
		exe: executable{unique.Make("")},
		info: &event.Process{
			ExecID:       execID,
			ParentExecID: execID,
			Binary:       "<kernel>",
			CWD:          "/",
			Flags:        flagProcFS.String(),
			StartTime:    t.opts.Clock.Wall(kernelID.Start),
			Refcnt:       1,
		},
	}
}

// Kernel returns the node of process 0, which is the parent of the first processes.
func (t *Tree) Kernel() *Process { return t.kernel }

// Lookup returns the image with the id, nil if it is not known.
func (t *Tree) Lookup(id ID) *Process {
	p := t.images[id]
	if p != nil && p.queue == &t.running {
		t.running.remove(p)
		t.running.push(p)
	}
	return p
}

// Current returns the image that a process runs, by its id in the host's pid namespace, nil if it is not
// known or has ended.
func (t *Tree) Current(pid uint32) *Process { return t.current[pid] }

// Parent returns the parent of an image, nil if it is not known.
func (t *Tree) Parent(p *Process) *Process {
	if p.parent == nil && !p.gone && !t.descends(t.images[p.parentID], p) {
		t.link(p)
	}
	return p.parent
}

// MaxAncestors is how many ancestors of an image are listed at most: a process can replace itself
// any number of times.
const MaxAncestors = 256

// AppendAncestors appends what events show of the ancestors of p, from its grandparent up to the
// first processes, process 0 left out.
func (t *Tree) AppendAncestors(dst []*event.Process, p *Process) []*event.Process {
	p = t.Parent(p)
	for range MaxAncestors {
		if p == nil {
			break
		}
		if p = t.Parent(p); p == nil || p == t.kernel {
			break
		}
		dst = append(dst, t.Info(p))
	}
	return dst
}

// Fork adds a forked process, which shows its parent's binary and arguments until it executes
// something. It returns the node of the same image if there already is one.
func (t *Tree) Fork(f *bpf.Fork) *Process {
	t.advance(f.Header.Time)
	id := IDOf(f.Process)
	if p := t.images[id]; p != nil {
		return p
	}
	p := &Process{id: id, parentID: IDOf(f.Parent), flags: forkFlags(f.Flags), nspid: f.Nspid}
	t.add(p)
	if p.parent != nil {
		p.exe = p.parent.exe
	}
	if p.parent == nil {
		t.stats.UnknownParents++
		p.flags |= flagMiss
	}
	return p
}

// Exec adds the image that a process executes; the image before it ends. It returns the node of the
// same image if there already is one.
func (t *Tree) Exec(e *record.Exec) *Process {
	t.advance(e.Header.Time)
	return t.image(e, execFlags(e))
}

// Task adds a process that is older than the agent. It returns the node of the same image if there
// already is one.
func (t *Tree) Task(e *record.Exec) *Process { return t.image(e, taskFlags(e)) }

func (t *Tree) image(e *record.Exec, f flags) *Process {
	id := IDOf(e.Process)
	if p := t.images[id]; p != nil {
		return p
	}
	p := &Process{id: id, parentID: IDOf(e.Parent), flags: f, exe: executableOf(e)}
	t.add(p)
	if p.parent == nil && f&flagProcFS == 0 {
		t.stats.UnknownParents++
		p.flags |= flagMiss
	}
	t.describe(p, e)
	t.keepLong(p)
	return p
}

// Exit ends an image. It returns nil and false if the image is not known, and false if it had exited
// before.
func (t *Tree) Exit(e *bpf.Exit) (*Process, bool) {
	t.advance(e.Header.Time)
	p := t.images[IDOf(e.Process)]
	switch {
	case p == nil:
		t.stats.UnknownExits++
		return nil, false
	case p.ended:
		t.stats.DuplicateExits++
		return p, false
	}
	t.end(p)
	return p, true
}

// Advance tells the tree the time in nanoseconds since boot, so that what is over its grace period
// goes even while no records come.
func (t *Tree) Advance(now uint64) { t.advance(now) }

// Stats returns the counters.
func (t *Tree) Stats() Stats {
	s := t.stats
	s.Images = t.running.len + t.held.len + t.quiet.len
	s.Running = t.running.len
	s.ArgumentsDropped = t.arguments.dropped
	return s
}
