// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"
	"sync"

	"github.com/vedette-io/vedette/internal/event"
)

// pids is a set of process ids.
type pids []uint32

func (p pids) has(process *event.Process) bool {
	return process != nil && process.Absent&event.AbsentPID == 0 && slices.Contains(p, process.PID)
}

const (
	// maxDescendants bounds the processes that a pidSet remembers. Beyond it only those are found whose
	// own or parent's id is given.
	maxDescendants = 1 << 17
	// maxExited is how many processes are remembered after their end, for children that show up later.
	maxExited = 1 << 12
)

// pidSet is the set of the processes with the given ids and all their descendants. A process is one
// once it, its parent or an ancestor has been seen to be.
type pidSet struct {
	roots pids

	mu      sync.Mutex
	members map[string]struct{} // exec ids
	exited  []string            // a ring of the latest members that ended
	next    int
}

func newPIDSet(roots pids) *pidSet {
	return &pidSet{roots: roots, members: make(map[string]struct{})}
}

// observe learns from an event. It must see every event, whatever other filters say of it.
func (s *pidSet) observe(e *event.Event) {
	if e.Process == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	member := s.isMember(e)
	if member {
		s.remember(e.Process.ExecID)
	}
	if member && e.Kind == event.KindExit {
		s.retire(e.Process.ExecID)
	}
}

func (s *pidSet) match(subject *Subject) bool {
	e := subject.event
	if e.Process == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isMember(e)
}

func (s *pidSet) isMember(e *event.Event) bool {
	return s.known(e.Process) || s.known(e.Parent) || slices.ContainsFunc(e.Ancestors, s.known)
}

func (s *pidSet) known(p *event.Process) bool {
	if p == nil {
		return false
	}
	if s.roots.has(p) {
		return true
	}
	if _, member := s.members[p.ExecID]; member {
		return true
	}
	_, child := s.members[p.ParentExecID]
	return child
}

func (s *pidSet) remember(execID string) {
	if execID != "" && len(s.members) < maxDescendants {
		s.members[execID] = struct{}{}
	}
}

// retire forgets the process that ended longest ago to remember one that ended now.
func (s *pidSet) retire(execID string) {
	if len(s.exited) < maxExited {
		s.exited = append(s.exited, execID)
		return
	}
	delete(s.members, s.exited[s.next])
	s.exited[s.next] = execID
	s.next = (s.next + 1) % maxExited
}
