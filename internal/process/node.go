// SPDX-License-Identifier: Apache-2.0

package process

import (
	"container/list"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/workload"
)

// Process is one image of a process: a node of the [Tree].
type Process struct {
	id       ID
	parentID ID
	parent   *Process // nil while it is not in the tree

	// info is nil for a forked process that no event has shown yet.
	info   *event.Process
	binary *event.BinaryProperties
	exe    executable
	flags  flags

	ended   bool
	gone    bool // not in the tree any more
	counted bool // in parent.kids
	kids    uint32
	// quiet is when the node and its descendants had ended, in nanoseconds since boot.
	quiet uint64

	nspid    uint32             // of a fork
	workload *workload.Workload // what info.Pod was made of
	version  uint64             // of the resolver then

	queue      *queue
	prev, next *Process
	long       *list.Element // in Tree.long
}

// ID returns the identity of the image.
func (p *Process) ID() ID { return p.id }

// Ended reports whether the image has exited or was replaced by another one.
func (p *Process) Ended() bool { return p.ended }

// held reports whether the node is still part of a running process's lineage.
func (p *Process) held() bool { return !p.ended || p.kids > 0 }

// queue is a doubly linked list of nodes. A node is in one queue at a time.
type queue struct {
	head, tail *Process
	len        int
}

func (q *queue) push(p *Process) {
	p.queue, p.prev, p.next = q, q.tail, nil
	if q.tail == nil {
		q.head = p
	} else {
		q.tail.next = p
	}
	q.tail = p
	q.len++
}

func (q *queue) remove(p *Process) {
	if p.prev == nil {
		q.head = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		q.tail = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.queue, p.prev, p.next = nil, nil, nil
	q.len--
}
