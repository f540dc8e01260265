// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/observe"
	"github.com/vedette-io/vedette/internal/record"
)

// decodePlan tells the events wing how the records of a hook are read.
// policies are the names of the plan's policies.
func decodePlan(l hook.Loaded, policies []string) observe.HookPlan {
	p := observe.HookPlan{Hook: l.ID, Generation: l.Generation, Kind: eventKind(l.Hook.Key.Kind)}
	for _, g := range l.Hook.Groups {
		group := decodeGroup(g, policies)
		nameHook(&group, &g, p.Kind, l.Offset)
		p.Groups = append(p.Groups, group)
	}
	for _, r := range l.Hook.Rules {
		p.Rules = append(p.Rules, decodeRule(r))
	}
	return p
}

// decodeRule tells how the events of a rule are told.
func decodeRule(r compile.Rule) observe.RulePlan {
	flags, told := r.Flags, r.Flags
	out := observe.RulePlan{Bit: r.Bit, Group: r.Group, Action: actionOf(r), Request: requestOf(r)}
	if r.Return != nil {
		flags, told = flags|r.Return.Flags, r.Return.Flags
		out.ReturnAction, out.ReturnRequest = actionOf(*r.Return), requestOf(*r.Return)
	}
	out.NoPost = told&compile.RulePost == 0
	out.Quiet = flags&compile.RulesOfReturn != 0
	out.KernelStack, out.UserStack = flags&compile.RuleStackKernel != 0, flags&compile.RuleStackUser != 0
	return out
}

func actionOf(r compile.Rule) event.Action {
	return event.Action(tetragon.KprobeAction_value[r.Action])
}

func requestOf(r compile.Rule) observe.Request {
	return observe.Request{Kind: observe.RequestKind(r.Request.Kind), Target: r.Request.Target}
}

// eventKind is the kind of the events of a kind of hooks.
func eventKind(k compile.HookKind) event.Kind {
	switch k {
	case compile.HookTracepoint, compile.HookRawTracepoint:
		return event.KindTracepoint
	case compile.HookLSM:
		return event.KindLSM
	case compile.HookUprobe:
		return event.KindUprobe
	case compile.HookUSDT:
		return event.KindUsdt
	}
	return event.KindKprobe
}

// nameHook says what events call their hook. offset is where a uprobe is in
// its file.
func nameHook(out *observe.GroupPlan, g *compile.Group, kind event.Kind, offset uint64) {
	switch kind {
	case event.KindTracepoint:
		out.Subsystem, out.Event, _ = strings.Cut(g.FunctionName, "/")
	case event.KindUprobe:
		s := g.Site
		out.Place = observe.Place{Path: absolute(s.Path), Symbol: s.Symbol, Offset: offset, RefCtrOffset: s.RefCtrOffset}
		if s.By == compile.SiteSymbol && s.Offset != 0 {
			out.Place.Symbol += fmt.Sprintf("+%#x", s.Offset)
		}
	case event.KindUsdt:
		out.Place = observe.Place{Path: absolute(g.Site.Path), Provider: g.Site.Provider, Name: g.Site.Name}
	default:
		out.FunctionName = g.FunctionName
	}
}

// absolute is a path that does not depend on the agent's working directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func decodeGroup(g compile.Group, policies []string) observe.GroupPlan {
	out := observe.GroupPlan{Message: escaped(g.Message), HasReturn: g.HasReturn, ReturnType: record.ValueType(g.ReturnType),
		TrackBit: g.TrackBit}
	if g.Policy < len(policies) {
		out.PolicyName = policies[g.Policy]
	}
	for _, tag := range g.Tags {
		out.Tags = append(out.Tags, escaped(tag))
	}
	if g.ReturnSlot >= 0 {
		out.ReturnSlot = uint8(g.ReturnSlot)
	}
	out.Args = slotRefs(g.Args, g.Labels)
	out.Data = slotRefs(g.Data, g.Labels[min(len(g.Args), len(g.Labels)):])
	return out
}

// slotRefs are what events show of slots.
func slotRefs(slots []uint8, labels []string) []observe.SlotRef {
	var out []observe.SlotRef
	for i, slot := range slots {
		ref := observe.SlotRef{Slot: slot}
		if i < len(labels) {
			ref.Label = labels[i]
		}
		out = append(out, ref)
	}
	return out
}

// escaped is a policy's text with everything that is not printable escaped as
// in Go, so that a policy cannot write to the terminals that show its events.
func escaped(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
