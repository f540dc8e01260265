// SPDX-License-Identifier: Apache-2.0

package process

import "github.com/vedette-io/vedette/internal/event"

// Snapshot is what the tree remembers of an image.
type Snapshot struct {
	Info *event.Process
	// Running says that the process runs the image now, Held that the image has ended but has descendants
	// that run.
	Running, Held bool
	// References are the process itself, while it runs, and its children in the tree.
	References uint32
}

// Each visits all images, process 0 left out, the longest unused first within each state: those that run, those
// that are held, and the others. Like all methods it must not run beside another one.
func (t *Tree) Each(visit func(Snapshot)) {
	for _, q := range []*queue{&t.running, &t.held, &t.quiet} {
		for p := q.head; p != nil; p = p.next {
			s := Snapshot{Info: t.Info(p), Running: !p.ended, Held: p.ended && p.kids > 0, References: p.kids}
			if s.Running {
				s.References++
			}
			visit(s)
		}
	}
}
