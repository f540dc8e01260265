// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// stacks notes the stacks that a Post asks for. Only the events of kprobes
// have room for stacks; the parser warns of those at other hooks.
func (f *frontend) stacks(r *Rule, e *entry, a *policy.Action) {
	switch e.group.Section {
	case "tracepoints", "lsmhooks", "uprobes", "usdts":
		return
	}
	if a.KernelStackTrace {
		r.Flags |= RuleStackKernel
	}
	if a.UserStackTrace {
		r.Flags |= RuleStackUser
	}
}

// hash notes that the event has the hash of the file. The parser warns of it
// where there is no file.
func (f *frontend) hash(r *Rule, e *entry, a *policy.Action) {
	if a.ImaHash && e.key.Kind == HookLSM && policy.HashesFiles(e.key.Name) {
		r.Flags |= RuleIMA
	}
}
