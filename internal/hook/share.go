// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"reflect"
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/compile"
)

// class is the hooks at kprobe_multi that can have one program: all is equal
// but which function they are at.
type class struct {
	shape   shape
	owners  []string
	content *compile.Hook
	members []*change
}

// classKey is what can be compared fast of a class.
type classKey struct {
	shape  shape
	owners string
}

// classesOf sorts the changes at kprobe_multi into classes.
func classesOf(changes []*change) []*class {
	var all []*class
	byKey := map[classKey][]*class{}
	for _, c := range changes {
		if c.next.place.attachment != AttachKprobeMulti {
			continue
		}
		key := classKey{c.shape, strings.Join(c.owners, "\x00")}
		content := contentOf(c.next.hook)
		i := slices.IndexFunc(byKey[key], func(k *class) bool { return reflect.DeepEqual(k.content, content) })
		if i < 0 {
			i = len(byKey[key])
			k := &class{shape: c.shape, owners: c.owners, content: content}
			byKey[key], all = append(byKey[key], k), append(all, k)
		}
		byKey[key][i].members = append(byKey[key][i].members, c)
	}
	return all
}

// contentOf is a hook without what does not matter to its program where
// cookies tell the function. Rules of an entry that is not on a list are
// counted for its function alone: the function matters to them.
func contentOf(h *compile.Hook) *compile.Hook {
	content := rulesOf(h)
	listed := true
	for i := range content.Groups {
		listed = listed && content.Groups[i].List != ""
	}
	if !listed {
		return &content
	}
	content.Key.Name = ""
	for i := range content.Groups {
		content.Groups[i].FunctionName = ""
	}
	return &content
}

// share gives the hooks at kprobe_multi their programs. A class stays with the
// program that has its rules; or the program of some of its hooks, and of no
// others, gets the rules as its other tables; or a new one is loaded.
func (e *Engine) share(changes []*change, processGeneration uint32) (failed map[*change]error) {
	failed = map[*change]error{}
	users := e.users()
	for _, k := range classesOf(changes) {
		p, r := k.find(users, processGeneration)
		switch {
		case p != nil && r != nil:
			r.tables = e.tablesOf(k.members[0].next.hook, k.owners, processGeneration)
		case p == nil:
			var err error
			if p, err = e.loadShared(k); err != nil {
				blame(k.members, err, failed)
				continue
			}
			r = &rewrite{program: p, fresh: true, tables: e.tablesOf(k.members[0].next.hook, k.owners, processGeneration)}
		}
		for _, c := range k.members {
			c.next.program, c.rewrite = p, r
		}
	}
	return failed
}

// loadShared loads the program of a class.
func (e *Engine) loadShared(k *class) (*program, error) {
	slot := uint32(0)
	if k.shape.hasReturn {
		var err error
		if slot, err = e.multi.takeSlot(); err != nil {
			return nil, err
		}
	}
	p, err := e.load(k.members[0].next.hook, k.shape, slot)
	if err != nil && k.shape.hasReturn {
		delete(e.multi.slots, slot)
	}
	return p, err
}

// users are the programs in force, with the hooks that have each.
func (e *Engine) users() map[*program][]*installed {
	out := map[*program][]*installed{}
	for _, h := range e.hooks {
		out[h.program] = append(out[h.program], h)
	}
	return out
}

// find returns the program in force that can be that of the class, and how it
// is to be rewritten, nil where it need not be.
func (k *class) find(users map[*program][]*installed, processGeneration uint32) (*program, *rewrite) {
	mine := map[compile.HookKey]bool{}
	var candidates []*program
	for _, c := range k.members {
		mine[c.next.hook.Key] = true
		if c.old == nil || c.freshPost || c.old.program.shape != k.shape {
			continue
		}
		if p := c.old.program; !slices.Contains(candidates, p) {
			candidates = append(candidates, p)
		}
	}
	for _, p := range candidates {
		t := p.tables()
		if t.processGeneration == processGeneration && slices.Equal(t.owners, k.owners) && reflect.DeepEqual(contentOf(t.hook), k.content) {
			return p, nil
		}
	}
	for _, p := range candidates {
		if !slices.ContainsFunc(users[p], func(h *installed) bool { return !mine[h.hook.Key] }) {
			return p, &rewrite{program: p, at: p.current.other()}
		}
	}
	return nil, nil
}

// closeProgram gives up a program that no hook leads to.
func (e *Engine) closeProgram(p *program) {
	if p.shape.place == AttachKprobeMulti && p.shape.hasReturn {
		e.multi.retireSlot(p.returnSlot)
	}
	p.close()
}
