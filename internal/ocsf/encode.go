// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"strconv"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// Version is the version of the schema.
const Version = "1.9.0-dev"

// Values of severity_id.
const (
	severityInformational = 1
	severityLow           = 2
	severityMedium        = 3
	severityHigh          = 4
)

// Append appends an event as one JSON object, without a line break, and returns the longer slice.
func Append(dst []byte, e *event.Event) []byte {
	w := &writer{out: dst}
	w.braces(func() { w.event(e) })
	return w.out
}

func (w *writer) event(e *event.Event) {
	did := activityOf(e)
	enforced := event.Enforced(e) && e.Process != nil
	told := did
	if enforced {
		told = create
	}
	w.number("activity_id", told.id)
	w.text("activity_name", told.name)
	w.number("category_uid", told.class.category)
	w.number("class_uid", told.class.uid)
	w.text("class_name", told.class.name)
	w.number("type_uid", told.class.uid*100+told.id)
	w.number("severity_id", severity(e, enforced))
	w.number("time", e.Time/1e6)
	w.metadata(e)
	if e.Process != nil {
		w.device(e)
	}
	if e.Hook.PolicyName != "" {
		w.control(e, enforced)
	}
	switch {
	case enforced:
		w.finding(e, did)
	case e.Process != nil:
		w.activity(e, did)
	}
	if isHook(e.Kind) || told.class == baseEvent {
		w.key("unmapped")
		w.out = event.AppendJSON(w.out, e)
	}
}

func isHook(kind event.Kind) bool {
	switch kind {
	case event.KindKprobe, event.KindTracepoint, event.KindUprobe, event.KindUsdt, event.KindLSM:
		return true
	}
	return false
}

func severity(e *event.Event, enforced bool) int64 {
	switch {
	case enforced:
		return severityHigh
	case isHook(e.Kind):
		return severityLow
	case e.Kind == event.KindLost:
		return severityMedium
	}
	return severityInformational
}

func (w *writer) metadata(e *event.Event) {
	w.object("metadata", func() {
		w.text("version", Version)
		w.object("product", func() {
			w.text("name", "Vedette")
			w.text("vendor_name", "Vedette")
		})
		w.text("event_code", e.Kind.String())
		w.list("profiles", func() {
			w.item("host")
			if e.Hook.PolicyName != "" {
				w.item("security_control")
			}
			if e.Process != nil && e.Process.Pod != nil {
				w.item("container")
			}
		})
	})
}

// control tells of the policy and what it did.
func (w *writer) control(e *event.Event, enforced bool) {
	const (
		denied, observed        = 2, 3
		blocked, custom, logged = 2, 7, 17
	)
	action, disposition := int64(observed), int64(logged)
	if enforced {
		action, disposition = denied, blocked
		if e.Hook.Action == tetragon.KprobeAction_KPROBE_ACTION_SIGNAL { // the program may go on
			action, disposition = observed, custom
		}
	}
	w.number("action_id", action)
	w.number("disposition_id", disposition)
	w.object("policy", func() {
		w.text("name", e.Hook.PolicyName)
		w.text("desc", e.Hook.Message)
		w.truth("is_applied", true)
	})
}

// finding tells what was prevented or ended.
func (w *writer) finding(e *event.Event, did activity) {
	const statusNew = 1
	w.number("status_id", statusNew)
	w.truth("is_alert", true)
	w.object("finding_info", func() {
		w.text("uid", e.Process.ExecID+"/"+strconv.FormatInt(e.Time, 10)+"/"+functionOf(e))
		w.text("title", e.Hook.PolicyName+": "+e.Hook.Action.String()+" at "+functionOf(e))
		w.text("desc", e.Hook.Message)
		w.time("created_time", e.Time)
		if len(e.Hook.Tags) > 0 {
			w.list("types", func() {
				for _, tag := range e.Hook.Tags {
					w.item(tag)
				}
			})
		}
	})
	w.list("evidences", func() {
		w.next()
		w.braces(func() {
			w.actor(e.Process, e.Parent)
			if did.class == kernelActivity || did.class == moduleActivity { // evidences have no attribute for these
				w.object("data", func() { w.details(e, did) })
				return
			}
			w.details(e, did)
		})
	})
	w.actor(e.Process, e.Parent)
}

// activity tells what was done.
func (w *writer) activity(e *event.Event, did activity) {
	switch did {
	case launch:
		const launchExec = 3
		w.number("launch_type_id", launchExec)
		w.process("process", e.Process, e.Parent, 0)
		by := e.Parent
		if by == nil { // then no more is known than which process it was
			by = &event.Process{ExecID: e.Process.ParentExecID, Absent: event.AbsentPID | event.AbsentUID}
		}
		w.actor(by, nil)
	case terminate:
		w.number("exit_code", int64(e.Exit.Status))
		w.text("status_detail", e.Exit.Signal)
		w.process("process", e.Process, e.Parent, e.Exit.Time)
		w.actor(e.Process, e.Parent)
	case setUser:
		w.process("process", e.Process, e.Parent, 0)
		w.actor(e.Process, e.Parent)
	default:
		w.actor(e.Process, e.Parent)
		w.details(e, did)
	}
}

// details tells what was acted on.
func (w *writer) details(e *event.Event, did activity) {
	args := argumentsOf(e)
	switch did.class {
	case networkActivity:
		w.connection(&args, functionOf(e))
	case fileActivity:
		path := args.path
		if path == "" {
			path = args.text
		}
		w.file(path, fileType(args.mode))
	case moduleActivity:
		w.module(e, &args)
	case kernelActivity:
		w.kernel(e)
	}
}
