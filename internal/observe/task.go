// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/vedette-io/vedette/internal/process"

// tasks are the processes older than the agent that no event has told of yet. They are found in the
// order of their ids and told parents first.
type tasks struct {
	found   []*process.Process
	waiting map[*process.Process]bool
	begun   bool
}

func (t *tasks) add(p *process.Process) {
	if t.waiting == nil {
		t.waiting = make(map[*process.Process]bool)
	}
	if !t.waiting[p] {
		t.waiting[p] = true
		t.found = append(t.found, p)
	}
}

// emitTasks emits the exec events of the processes found so far. The kernel's own comes before all.
func (o *Observer) emitTasks() {
	if len(o.tasks.found) == 0 {
		return
	}
	if !o.tasks.begun {
		o.tasks.begun = true
		kernel := o.opts.Tree.Kernel()
		o.emitExec(kernel, kernel.ID().Start)
	}
	var chain []*process.Process
	for _, p := range o.tasks.found {
		for p != nil && o.tasks.waiting[p] {
			delete(o.tasks.waiting, p)
			chain = append(chain, p)
			p = o.opts.Tree.Parent(p)
		}
		for i := len(chain) - 1; i >= 0; i-- {
			o.emitExec(chain[i], chain[i].ID().Start)
			o.emitEarly(chain[i].ID())
		}
		chain = chain[:0]
	}
	o.tasks.found, o.tasks.waiting = nil, nil
}
