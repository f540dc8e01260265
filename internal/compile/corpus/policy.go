// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"slices"
	"strconv"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// policy makes one policy with up to three entries.
func (g *generator) policy(name string) *policy.Policy {
	p := &policy.Policy{Kind: policy.KindTracingPolicy, Metadata: policy.Metadata{Name: name}}
	follows := false
	for range 1 + g.IntN(3) {
		h := pick(g, g.hooks)
		g.used = append(g.used, h)
		if h.call == "" {
			p.Spec.Tracepoints = append(p.Spec.Tracepoints, g.tracepoint(&h))
			continue
		}
		k := g.kprobe(&h)
		if h.at.Function != "" && len(k.Args) > 0 && k.Args[0].Type.IsInteger() && g.chance(40) {
			follows = true
			k.Selectors = append(k.Selectors, policy.Selector{MatchActions: []policy.Action{{
				Action: policy.ActionFollowFD, ArgFd: 0, ArgName: 0,
			}}})
		}
		if g.chance(20) {
			p.Spec.Fentries = append(p.Spec.Fentries, k)
		} else {
			p.Spec.Kprobes = append(p.Spec.Kprobes, k)
		}
	}
	if !follows {
		return p
	}
	for _, section := range [][]policy.Kprobe{p.Spec.Kprobes, p.Spec.Fentries} {
		for i := range section {
			g.unfollow(&section[i])
		}
	}
	return p
}

// unfollow gives some selectors of a policy that follows descriptors an
// action on one.
func (g *generator) unfollow(k *policy.Kprobe) {
	if len(k.Selectors) == 0 || len(k.Args) == 0 || !g.chance(30) {
		return
	}
	if t := k.Args[0].Type; t.IsInteger() || t == policy.TypeFd {
		s := &k.Selectors[g.IntN(len(k.Selectors))]
		s.MatchActions = append(s.MatchActions, policy.Action{Action: policy.ActionUnfollowFD, ArgFd: 0})
	}
}

func (g *generator) tracepoint(h *hook) policy.Tracepoint {
	t := policy.Tracepoint{Raw: h.at.RawTracepoint != "", Subsystem: "sched", Event: h.at.RawTracepoint}
	if !t.Raw {
		t.Event = h.at.Tracepoint[len("sched/"):]
	}
	t.Args = g.args(h)
	t.Selectors = g.selectors(t.Args, nil, nil)
	return t
}

func (g *generator) kprobe(h *hook) policy.Kprobe {
	k := policy.Kprobe{Call: h.call, Syscall: h.at.Syscall != "", Args: g.args(h)}
	if len(h.returns) > 0 && g.chance(40) {
		k.Return = true
		k.ReturnArg = &policy.Arg{Type: pick(g, h.returns)}
	}
	if g.processes {
		k.Data = g.found(policy.SourceCurrentTask, "")
	}
	k.Selectors = g.selectors(k.Args, k.Data, k.ReturnArg)
	return k
}

// args declares some of the hook's arguments, in any order.
func (g *generator) args(h *hook) []policy.Arg {
	var args []policy.Arg
	for _, i := range g.Perm(len(h.args)) {
		if !g.chance(70) {
			continue
		}
		if isNode(h.args[i]) {
			for _, a := range g.found("", "node") {
				a.Index = uint32(i)
				args = append(args, a)
			}
			continue
		}
		a := policy.Arg{Index: uint32(i), Type: pick(g, h.args[i])}
		if a.Type == policy.TypeCharBuf || a.Type == policy.TypeCharIovec {
			a.SizeArgIndex = 3
			a.MaxData = g.chance(30)
		}
		args = append(args, a)
	}
	return args
}

func (g *generator) selectors(args, data []policy.Arg, ret *policy.Arg) []policy.Selector {
	if g.chance(5) {
		return nil
	}
	return some(g, 1, 5, func() policy.Selector { return g.selector(args, data, ret) })
}

func (g *generator) selector(args, data []policy.Arg, ret *policy.Arg) policy.Selector {
	var s policy.Selector
	if len(args) > 0 {
		s.MatchArgs = some(g, 0, 3, func() policy.ArgFilter { return g.argFilter(args) })
		if g.crowded {
			s.MatchArgs = withoutSubstrings(s.MatchArgs)
		}
	}
	if len(data) > 0 {
		s.MatchData = some(g, 0, 2, func() policy.ArgFilter { return g.dataFilter(data) })
	}
	if ret != nil {
		s.MatchReturnArgs = some(g, 0, 2, func() policy.ArgFilter {
			f := policy.ArgFilter{}
			g.numberFilter(&f, ret.Type)
			return f
		})
		if g.chance(30) {
			s.MatchReturnActions = g.returnActions()
		}
	}
	if g.processes {
		g.processFilters(&s)
	}
	return s
}

// returnActions makes what is done when a call returns.
func (g *generator) returnActions() []policy.Action {
	signal := uint32(1 + g.IntN(12))
	return some(g, 1, 3, func() policy.Action {
		a := policy.Action{Action: pick(g, []policy.ActionType{policy.ActionPost, policy.ActionNoPost, policy.ActionSigkill, policy.ActionSignal})}
		if a.Action == policy.ActionSignal {
			a.ArgSig = signal
		}
		return a
	})
}

// argFilter makes a filter on one of the arguments, named by its index or by
// its position.
func (g *generator) argFilter(args []policy.Arg) policy.ArgFilter {
	positions := compared(args)
	if g.chance(12) || len(positions) == 0 {
		return policy.ArgFilter{Operator: policy.OpCelExpr, Values: some(g, 1, 3, func() string { return g.expression(args) })}
	}
	position := pick(g, positions)
	a := args[position]
	f := policy.ArgFilter{Index: a.Index}
	if g.chance(30) || a.Resolve != "" {
		f = policy.ArgFilter{Args: []uint32{uint32(position)}}
	}
	if a.Type.IsCapabilitySet() && g.chance(40) {
		return policy.ArgFilter{Operator: policy.OpCapabilitiesGained, Args: []uint32{pick(g, capArgs(args)), pick(g, capArgs(args))}}
	}
	g.valueFilter(&f, &a)
	return f
}

// compared are the positions of the arguments that filters can compare.
func compared(args []policy.Arg) []int {
	var out []int
	for i, a := range args {
		if !isTold(a.Type) {
			out = append(out, i)
		}
	}
	return out
}

// dataFilter makes a filter on one of the data, named by its position.
func (g *generator) dataFilter(data []policy.Arg) policy.ArgFilter {
	position := g.IntN(len(data))
	f := policy.ArgFilter{Index: uint32(position)}
	g.valueFilter(&f, &data[position])
	return f
}

func (g *generator) valueFilter(f *policy.ArgFilter, a *policy.Arg) {
	t := typeOf(a)
	switch {
	case t.IsCapabilitySet():
		g.setFilter(f)
	case t.IsPath() && g.chance(30):
		f.Operator = pick(g, []policy.Operator{policy.OpFileType, policy.OpNotFileType})
		f.Values = some(g, 1, 3, func() string { return pick(g, fileTypes) })
	case t.IsInteger():
		g.numberFilter(f, t)
	case isNet(t), t == policy.TypeSockaddrUn && g.chance(20):
		g.netFilter(f, t)
	case t == policy.TypeSockaddrUn:
		g.textFilter(f, compile.MaxUnixPath)
	default:
		g.textFilter(f, longest)
	}
}

// capArgs are the positions of the args that are sets of capabilities.
func capArgs(args []policy.Arg) []uint32 {
	var out []uint32
	for i, a := range args {
		if a.Type.IsCapabilitySet() {
			out = append(out, uint32(i))
		}
	}
	return out
}

// setFilter compares a set of capabilities.
func (g *generator) setFilter(f *policy.ArgFilter) {
	f.Operator = pick(g, []policy.Operator{policy.OpEqual, policy.OpNotEqual})
	f.Values = some(g, 1, 3, func() string {
		if g.chance(30) {
			return pick(g, []string{"CAP_CHOWN", "CHOWN,CAP_KILL", "CAP_CHOWN, DAC_OVERRIDE"})
		}
		return strconv.FormatUint(g.capSet(), 10)
	})
}

// capSet makes a set of few different capabilities.
func (g *generator) capSet() uint64 {
	if g.chance(10) {
		return g.register()
	}
	return uint64(g.IntN(4)) | uint64(g.IntN(2))<<5
}

var fileTypes = []string{"sock", "link", "reg", "regular", "blk", "dir", "char", "pipe"}

// withoutSubstrings returns the filters but for all on substrings after the
// first one: each takes a dimension of its own.
func withoutSubstrings(filters []policy.ArgFilter) []policy.ArgFilter {
	first := true
	return slices.DeleteFunc(filters, func(f policy.ArgFilter) bool {
		if f.Operator != policy.OpSubString && f.Operator != policy.OpSubStringIgnCase {
			return false
		}
		drop := !first
		first = false
		return drop
	})
}

// longest is the longest value that every string type takes.
const longest = 4095

func (g *generator) textFilter(f *policy.ArgFilter, limit int) {
	f.Operator = pick(g, []policy.Operator{
		policy.OpEqual, policy.OpNotEqual, policy.OpPrefix, policy.OpNotPrefix, policy.OpPostfix, policy.OpNotPostfix,
		policy.OpSubString, policy.OpSubStringIgnCase,
	})
	if f.Operator == policy.OpSubStringIgnCase && g.crowded {
		f.Operator = policy.OpSubString // the other one has dimensions of its own
	}
	if f.Operator == policy.OpSubString || f.Operator == policy.OpSubStringIgnCase {
		f.Values = some(g, 1, 4, func() string { return g.part(limit) })
		return
	}
	if f.Operator == policy.OpPostfix || f.Operator == policy.OpNotPostfix {
		limit = 128
	}
	f.Values = some(g, 1, 4, func() string { return g.value(limit) })
}

func (g *generator) numberFilter(f *policy.ArgFilter, t policy.ArgType) {
	f.Operator = pick(g, []policy.Operator{
		policy.OpEqual, policy.OpNotEqual, policy.OpGT, policy.OpLT, policy.OpMask,
		policy.OpInRange, policy.OpNotInRange, policy.OpInMap, policy.OpNotInMap,
	})
	f.Values = some(g, 1, 4, func() string {
		ranged := f.Operator == policy.OpInRange || f.Operator == policy.OpNotInRange
		if f.Operator == policy.OpInMap || f.Operator == policy.OpNotInMap {
			ranged = g.chance(50)
		}
		if ranged {
			return g.numberRange(t)
		}
		return format(g.register(), t)
	})
}

func (g *generator) numberRange(t policy.ArgType) string {
	a, b := extend(g.register(), t), extend(g.register(), t)
	if t.IsSigned() && int64(a) > int64(b) || !t.IsSigned() && a > b {
		a, b = b, a
	}
	return format(a, t) + ":" + format(b, t)
}

// extend narrows a register to a type and extends it to 64 bits again.
func extend(register uint64, t policy.ArgType) uint64 {
	unused := 64 - 8*t.Width()
	if t.IsSigned() {
		return uint64(int64(register<<unused) >> unused)
	}
	return register << unused >> unused
}

func format(register uint64, t policy.ArgType) string {
	n := extend(register, t)
	if t.IsSigned() {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatUint(n, 10)
}
