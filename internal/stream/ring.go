// SPDX-License-Identifier: Apache-2.0

package stream

// ring is a queue that grows with what is in it, and starts over small once it has been empty.
type ring struct {
	items []item // its length is 0 or a power of two
	head  int
	count int
}

// maxIdleRing is the size up to which an empty ring keeps its memory, in items.
const maxIdleRing = 64

func (r *ring) len() int { return r.count }

// first returns the oldest item, nil when there is none. It is valid until the next call.
func (r *ring) first() *item {
	if r.count == 0 {
		return nil
	}
	return &r.items[r.head]
}

func (r *ring) push(i item) {
	if r.count == len(r.items) {
		r.grow()
	}
	r.items[(r.head+r.count)&(len(r.items)-1)] = i
	r.count++
}

func (r *ring) pop() item {
	i := r.items[r.head]
	r.items[r.head] = item{}
	r.head = (r.head + 1) & (len(r.items) - 1)
	r.count--
	if r.count == 0 && len(r.items) > maxIdleRing {
		*r = ring{}
	}
	return i
}

func (r *ring) grow() {
	items := make([]item, max(8, 2*len(r.items)))
	n := copy(items, r.items[r.head:])
	copy(items[n:], r.items[:r.head])
	r.items, r.head = items, 0
}
