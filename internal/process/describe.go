// SPDX-License-Identifier: Apache-2.0

package process

import (
	"path"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
	"github.com/vedette-io/vedette/internal/workload"
)

// maxScratch is the largest scratch buffer that is kept, in bytes. Command lines are rarely longer.
const maxScratch = 64 << 10

// describe makes what events show of an image.
func (t *Tree) describe(p *Process, e *record.Exec) {
	id := t.opts.Resolver.Container(e.CgroupId, e.Cgroup)
	info := &event.Process{
		PID:        p.id.PID,
		TID:        p.id.PID,
		UID:        e.Cred.Euid,
		AUID:       e.Auid,
		StartTime:  t.opts.Clock.Wall(p.id.Start),
		Docker:     workload.Docker(id),
		Refcnt:     1,
		InInitTree: p.flags&flagInInitTree != 0,
	}
	t.describeText(p, info, e)
	if !t.entered(p, e, id) {
		info.ContainerID, info.ContainerPID = id, e.Nspid
		t.addPod(p, info)
	}
	if t.opts.Credentials {
		t.describeCredentials(info, e)
		p.binary = binaryProperties(info, e)
	}
	if t.opts.Namespaces {
		info.Namespaces = t.namespaces(e)
	}
	info.Flags = t.flagText(p.flags)
	p.info = info
}

// describeText fills in the strings. They share one allocation, but for arguments that may be cut
// later.
func (t *Tree) describeText(p *Process, info *event.Process, e *record.Exec) {
	b := t.scratch[:0]
	b = AppendExecID(b, t.opts.Node, p.id)
	execID := len(b)
	if p.parent != nil && p.parent.info != nil {
		info.ParentExecID = p.parent.info.ExecID
	} else {
		b = AppendExecID(b, t.opts.Node, p.parentID)
	}
	parent := len(b)
	cwd := e.CWD
	if p.flags&flagRootCWD != 0 {
		cwd = []byte("/")
	}
	b = appendBinary(b, e, cwd)
	binary := len(b)
	b = append(b, cwd...)
	end := len(b)
	b = record.AppendArguments(b, t.argumentArea(p, e))
	whole := end
	if len(b)-end <= maxShortArguments {
		whole = len(b)
	}
	text := string(b[:whole])
	info.ExecID = text[:execID]
	if parent > execID {
		info.ParentExecID = text[execID:parent]
	}
	info.Binary, info.CWD = text[parent:binary], text[binary:end]
	info.Arguments = text[end:]
	if whole == end {
		info.Arguments = string(b[end:])
	}
	if t.opts.Redact != nil {
		info.Arguments = t.opts.Redact(info.Binary, info.Arguments)
	}
	if t.scratch = b; cap(b) > maxScratch {
		t.scratch = nil
	}
}

// appendBinary appends the executed file: as given to execve, made absolute but with its symbolic
// links as they are. Of a process older than the agent it is the resolved path.
func appendBinary(dst []byte, e *record.Exec, cwd []byte) []byte {
	switch {
	case e.Flags&uint32(bpf.ContractVdExecFlagsVD_EXEC_KTHREAD) != 0:
		dst = append(dst, '[')
		dst = append(dst, e.Filename...)
		return append(dst, ']')
	case len(e.Filename) == 0:
		return append(dst, e.Exe...)
	case e.Filename[0] == '/' || len(cwd) == 0:
		return append(dst, e.Filename...)
	}
	return append(dst, path.Join(string(cwd), string(e.Filename))...)
}

// argumentArea returns the argument area of an image, as far as it is known. What is missing is
// flagged.
func (t *Tree) argumentArea(p *Process, e *record.Exec) []byte {
	if p.flags&flagProcFS != 0 {
		if t.opts.CommandLine == nil || e.Flags&uint32(bpf.ContractVdExecFlagsVD_EXEC_KTHREAD) != 0 {
			return e.Args
		}
		return t.opts.CommandLine(p.id.PID)
	}
	area, complete := t.arguments.take(p.id, e)
	if !complete {
		p.flags |= flagTruncArgs
	}
	return area
}

// Info returns what events show of an image. It is not changed any more: when the image changes, a
// new one is made.
func (t *Tree) Info(p *Process) *event.Process {
	t.renewPod(p)
	switch {
	case p.info == nil:
		p.info = t.forkInfo(p)
		t.keepLong(p)
	case !p.ended && p.info.Refcnt != p.kids+1:
		info := *p.info
		info.Refcnt = p.kids + 1
		p.info = &info
	}
	return p.info
}

// ExecInfo returns what the exec event of an image shows of it: [Tree.Info] and what is special about
// the binary.
func (t *Tree) ExecInfo(p *Process) *event.Process {
	info := t.Info(p)
	if p.binary == nil {
		return info
	}
	with := *info
	with.BinaryProperties = p.binary
	return &with
}

// forkInfo makes what events show of a forked process out of what they show of the nearest ancestor
// that has executed something.
func (t *Tree) forkInfo(p *Process) *event.Process {
	from := t.Parent(p)
	for from != nil && from.info == nil {
		from = t.Parent(from)
	}
	info := &event.Process{Absent: event.AbsentUID | event.AbsentAUID}
	if from != nil {
		*info = *from.info
	}
	info.ExecID = string(AppendExecID(nil, t.opts.Node, p.id))
	info.ParentExecID = string(AppendExecID(nil, t.opts.Node, p.parentID))
	info.PID, info.TID = p.id.PID, p.id.PID
	info.StartTime = t.opts.Clock.Wall(p.id.Start)
	info.Refcnt = p.kids + 1
	info.InInitTree = p.flags&flagInInitTree != 0
	info.Flags = t.flagText(p.flags)
	info.ContainerPID, info.Pod = p.nspid, nil
	t.addPod(p, info)
	return info
}

// UnknownInfo returns what events show of a process that is not in the tree.
func (t *Tree) UnknownInfo(id ID) *event.Process {
	info := &event.Process{
		PID:    id.PID,
		Flags:  FlagUnknown,
		Absent: event.AbsentTID | event.AbsentUID | event.AbsentAUID | event.AbsentInInitTree,
	}
	if id.Start != 0 {
		info.StartTime = t.opts.Clock.Wall(id.Start)
	}
	return info
}
