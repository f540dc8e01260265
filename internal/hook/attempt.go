// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"

	"github.com/vedette-io/vedette/internal/compile"
)

// attempt is the search for a place where a hook of a plan can stand.
type attempt struct {
	hook              *compile.Hook
	id                uint32
	owners            []string
	processGeneration uint32
	// left are the places that have not been tried, last is the one that was
	// tried last; failed says why places do not do.
	left   []candidate
	last   candidate
	failed attachErrors
}

// change prepares what a plan wants of one hook. Nothing acts yet.
func (e *Engine) change(h *compile.Hook, owners []string, processGeneration uint32) (*change, error) {
	places, err := e.places(h)
	if err != nil {
		return nil, err
	}
	id, err := e.idOf(h.Key)
	if err != nil {
		return nil, err
	}
	return e.try(&attempt{hook: h, id: id, owners: owners, processGeneration: processGeneration, left: places})
}

// try takes the first place that is left and works.
func (e *Engine) try(a *attempt) (*change, error) {
	old := e.hooks[a.hook.Key]
	for len(a.left) != 0 {
		a.last, a.left = a.left[0], a.left[1:]
		if err := e.unusable[a.last.key(a.hook)]; err != nil {
			a.failed.add(a.last.attachment, err)
			continue
		}
		p, err := a.last.settle()
		if err != nil {
			a.failed.add(a.last.attachment, err)
			continue
		}
		if old != nil && p.attachment == old.post.place.attachment && p.function == old.post.place.function && (old.post.place.hashes || !p.hashes) {
			return e.changeAt(a, old, p)
		}
		c, err := e.install(a, old, p)
		if err == nil {
			return c, nil
		}
		e.giveUpPlace(a, err)
	}
	return nil, &a.failed
}

// giveUpPlace notes why the place that was tried last does not do.
func (e *Engine) giveUpPlace(a *attempt, err error) {
	err = a.last.explain(err)
	a.failed.add(a.last.attachment, err)
	if e.hooks[a.hook.Key] != nil {
		// It will not be better with the next change of the hook's policies.
		e.unusable[a.last.key(a.hook)] = err
	}
}

// retreat replaces the changes that failed at kprobe_multi by those at the
// next places of their hooks. Hooks that stand there already stay.
func (e *Engine) retreat(changes []*change, failed map[*change]error) error {
	for i, c := range changes {
		reason := failed[c]
		if reason == nil {
			continue
		}
		if !c.freshPost {
			return fmt.Errorf("hook %q: %s: %w", c.next.hook.Key.Name, string(AttachKprobeMulti), reason)
		}
		e.giveUpPlace(c.attempt, reason)
		next, err := e.try(c.attempt)
		if err != nil {
			return fmt.Errorf("hook %q: %w", c.next.hook.Key.Name, err)
		}
		changes[i] = next
	}
	return nil
}
