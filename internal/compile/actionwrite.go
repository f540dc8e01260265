// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"runtime"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/policy"
)

// What one hook's program can write, as bpf/vedette.h has it.
const (
	// MaxSetActions is how many different Set actions all policies together
	// can have at one static probe.
	MaxSetActions = 8
	// MaxOverrides is how many different Override actions all policies
	// together can have at one place of a program.
	MaxOverrides = 4
	// MaxRegisters is how many registers one Override can write.
	MaxRegisters = 8
)

// set understands what is written into an argument of a static probe. That
// the argument is in memory is seen when the hook is loaded.
func (f *frontend) set(r *Rule, e *entry, a *policy.Action, path string) {
	if e.group.Section != "usdts" {
		f.errorf(path+".action", "action Set is for usdts only")
		return
	}
	at, ok := f.nameArg(e, a.ArgIndex, path+".argIndex")
	if !ok {
		return
	}
	r.Flags |= RuleSet
	r.Sets = append(r.Sets, SetOp{Slot: at, Value: a.ArgValue})
}

// overrideRegisters understands an Override at a place in a program: the
// registers that it names are written, or it goes on elsewhere, or the
// function returns argError at once.
func (f *frontend) overrideRegisters(r *Rule, a *policy.Action, path string) {
	if r.Registers != nil {
		f.errorf(path+".action", "a selector can have one Override")
		return
	}
	o := &RegisterOverride{}
	for i, text := range a.ArgRegs {
		w, err := executable.ParseAssignment(text)
		if err != nil {
			f.errorf(policy.ItemPath(path+".argRegs", i), "%v", err)
			return
		}
		o.Writes = append(o.Writes, w)
	}
	switch {
	case a.ArgNewSymbol != "":
		site, ok := f.symbolSite(a.ArgNewSymbol, false, path+".argNewSymbol")
		if !ok {
			return
		}
		o.Goto = site
	case a.ArgNewAddr != 0:
		o.Goto = Site{By: SiteAddress, Address: a.ArgNewAddr}
	case a.ArgNewOffset != 0:
		o.Goto = Site{By: SiteOffset, Offset: a.ArgNewOffset}
	case len(a.ArgRegs) == 0:
		var err error
		if o.Writes, err = executable.ReturnAtOnce(int64(a.ArgError)); err != nil {
			f.errorf(path+".action", "%v", err)
			return
		}
	}
	if o.Goto.By != 0 && runtime.GOARCH != "amd64" {
		f.errorf(path, "where a program goes on cannot be changed on %s", runtime.GOARCH)
		return
	}
	if len(o.Writes) >= MaxRegisters {
		f.errorf(path+".argRegs", "an Override can write %d registers, not %d", MaxRegisters-1, len(o.Writes))
		return
	}
	r.Flags |= RuleOverride
	r.Registers = o
}
