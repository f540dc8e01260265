// SPDX-License-Identifier: Apache-2.0

package agent

import (
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
	p := observe.HookPlan{Hook: l.ID, Generation: l.Generation, Kind: event.KindKprobe}
	switch l.Hook.Key.Kind {
	case compile.HookTracepoint, compile.HookRawTracepoint:
		p.Kind = event.KindTracepoint
	case compile.HookLSM:
		p.Kind = event.KindLSM
	}
	for _, g := range l.Hook.Groups {
		p.Groups = append(p.Groups, decodeGroup(g, p.Kind, policies))
	}
	for _, r := range l.Hook.Rules {
		p.Rules = append(p.Rules, observe.RulePlan{
			Bit: r.Bit, Group: r.Group,
			Action: event.Action(tetragon.KprobeAction_value[r.Action]),
			NoPost: r.Flags&compile.RulePost == 0,
		})
	}
	return p
}

func decodeGroup(g compile.Group, kind event.Kind, policies []string) observe.GroupPlan {
	out := observe.GroupPlan{Message: escaped(g.Message), HasReturn: g.HasReturn, ReturnType: record.ValueType(g.ReturnType)}
	if g.Policy < len(policies) {
		out.PolicyName = policies[g.Policy]
	}
	if kind == event.KindTracepoint {
		out.Subsystem, out.Event, _ = strings.Cut(g.FunctionName, "/")
	} else {
		out.FunctionName = g.FunctionName
	}
	for _, tag := range g.Tags {
		out.Tags = append(out.Tags, escaped(tag))
	}
	for i, slot := range g.Args {
		ref := observe.SlotRef{Slot: slot}
		if i < len(g.Labels) {
			ref.Label = g.Labels[i]
		}
		out.Args = append(out.Args, ref)
	}
	return out
}

// escaped is a policy's text with everything that is not printable escaped as
// in Go, so that a policy cannot write to the terminals that show its events.
func escaped(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
