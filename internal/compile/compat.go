// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/vedette-io/vedette/internal/syscalls"
)

// warnCompat reports calls that a policy kills for or refuses at, where it
// does not look at the 32-bit call that does the same: any program can make
// that, by int 0x80. One of an entry's calls is named.
func (f *frontend) warnCompat(entries []*entry) {
	if compatABI() != "i386" {
		return
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if e.key.Kind == HookCompatSyscall {
			seen[syscalls.SameCall(e.key.Name)] = true
		}
	}
	warned := map[string]bool{}
	for _, e := range entries {
		if e.key.Kind != HookSyscall || seen[e.key.Name] || warned[e.path] || !slices.ContainsFunc(e.rules, (*selector).prevents) {
			continue
		}
		if _, ok := syscalls.Number(compatABI(), e.key.Name); ok {
			warned[e.path] = true
			f.warnf(e.path+".call", "a program gets around this by the 32-bit call (int 0x80), which is a hook of its own: "+
				"put both on a list of type syscalls, as i386/sys_%s too, or hook a security_ function", e.key.Name)
		}
	}
}

// prevents reports whether the selector's actions are to prevent what is
// about to happen.
func (s *selector) prevents() bool { return s.rule.Flags&(RuleKill|RuleOverride) != 0 }
