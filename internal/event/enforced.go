// SPDX-License-Identifier: Apache-2.0

package event

import "github.com/vedette-io/vedette/api/tetragon"

// Enforced reports whether the event tells that something was prevented or ended: an error in place of a result,
// or a signal.
func Enforced(e *Event) bool {
	switch e.Kind {
	case KindKprobe, KindTracepoint, KindUprobe, KindUsdt, KindLSM:
		return enforces(e.Hook.Action) || enforces(e.Hook.ReturnAction)
	}
	return false
}

func enforces(a Action) bool {
	switch a {
	case tetragon.KprobeAction_KPROBE_ACTION_OVERRIDE, tetragon.KprobeAction_KPROBE_ACTION_SIGKILL,
		tetragon.KprobeAction_KPROBE_ACTION_SIGNAL, tetragon.KprobeAction_KPROBE_ACTION_NOTIFYENFORCER:
		return true
	}
	return false
}
