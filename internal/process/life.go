// SPDX-License-Identifier: Apache-2.0

package process

// add makes p the running image of its process.
func (t *Tree) add(p *Process) {
	t.images[p.id] = p
	before := t.current[p.id.PID]
	if before != nil && before.id.Start > p.id.Start {
		// A record of an earlier image that comes late.
		p.ended = true
	} else {
		t.current[p.id.PID] = p
	}
	t.link(p)
	if before != nil && !p.ended {
		if before.id != p.parentID && !t.isForkOf(before, p) {
			t.stats.MissedExits++
		}
		t.end(before)
	}
	t.settle(p)
	t.shrink()
}

// isForkOf reports whether before is the forked process that executes p as its first image. Both
// then have the same parent.
func (t *Tree) isForkOf(before, p *Process) bool {
	return before.flags&flagExecve == 0 && before.flags&flagClone != 0 && before.parentID == p.parentID
}

// end says that the image runs no more.
func (t *Tree) end(p *Process) {
	p.ended = true
	if t.current[p.id.PID] == p {
		delete(t.current, p.id.PID)
	}
	t.settle(p)
}

// link finds the parent of p, which may have become known after p.
func (t *Tree) link(p *Process) {
	if parent := t.images[p.parentID]; parent != nil && parent != p {
		p.parent = parent
		t.settle(p)
	}
}

// descends reports whether p descends from ancestor. What a parent that becomes known late says of its
// own parents must not close a circle.
func (t *Tree) descends(p, ancestor *Process) bool {
	for ; p != nil; p = p.parent {
		if p == ancestor {
			return true
		}
	}
	return false
}

// settle puts p into the queue that it belongs to and tells its ancestors as far as this concerns
// them.
func (t *Tree) settle(p *Process) {
	for p != nil && !p.gone {
		t.place(p)
		counts := p.held() && p.parent != nil && !p.parent.gone
		if counts == p.counted {
			return
		}
		p.counted = counts
		if counts {
			p.parent.kids++
		} else {
			p.parent.kids--
		}
		p = p.parent
	}
}

func (t *Tree) place(p *Process) {
	where := &t.running
	switch {
	case p == t.kernel:
		return
	case !p.held():
		where = &t.quiet
	case p.ended:
		where = &t.held
	}
	if p.queue == where {
		return
	}
	if p.queue != nil {
		p.queue.remove(p)
	}
	if where == &t.quiet {
		p.quiet = t.now
	}
	where.push(p)
}

// advance moves the time on and lets go of what is over its grace period.
func (t *Tree) advance(now uint64) {
	if now <= t.now {
		return
	}
	t.now = now
	for p := t.quiet.head; p != nil && p.quiet+t.grace < now; p = t.quiet.head {
		t.remove(p)
	}
	if now > t.grace {
		t.arguments.expire(now - t.grace)
	}
}

// shrink evicts nodes beyond the capacity: first those that are only waiting for late records, then
// ended ancestors, then what was used least recently.
func (t *Tree) shrink() {
	for t.running.len+t.held.len+t.quiet.len > t.opts.Capacity {
		switch {
		case t.quiet.head != nil:
			t.stats.EvictedEnded++
			t.remove(t.quiet.head)
		case t.held.head != nil:
			t.stats.EvictedHeld++
			t.remove(t.held.head)
		default:
			t.stats.EvictedRunning++
			t.remove(t.running.head)
		}
	}
}

// remove takes p out of the tree. Its children keep what events show of it, but not its ancestors:
// else a process that replaces itself again and again would keep all its images.
func (t *Tree) remove(p *Process) {
	if p.kids > 0 {
		t.Info(p)
		t.cutArguments(p)
	}
	t.dropLong(p)
	p.queue.remove(p)
	delete(t.images, p.id)
	if t.current[p.id.PID] == p {
		delete(t.current, p.id.PID)
	}
	p.gone = true
	parent := p.parent
	p.parent = nil
	if p.counted {
		p.counted = false
		parent.kids--
		t.settle(parent)
	}
}
