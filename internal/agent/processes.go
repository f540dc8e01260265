// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/process"
)

// The states of an image in a dump of the process cache.
const (
	imageRuns = "running"
	imageHeld = "held by descendants"
	imageOld  = "ended"
)

// processes returns what the process cache holds.
func (a *agent) processes(request *tetragon.DumpProcessCacheReqArgs) []*tetragon.ProcessInternal {
	var all []process.Snapshot
	a.core.observer.EachProcess(func(s process.Snapshot) {
		if request.SkipZeroRefcnt && s.References == 0 || request.ExcludeExecveMapProcesses && s.Running {
			return
		}
		all = append(all, s)
	})
	out := make([]*tetragon.ProcessInternal, len(all))
	for i, s := range all {
		out[i] = &tetragon.ProcessInternal{
			Process: event.ProcessToProto(s.Info), Color: stateOf(s), Refcnt: wrapperspb.UInt32(s.References),
		}
	}
	return out
}

func stateOf(s process.Snapshot) string {
	switch {
	case s.Running:
		return imageRuns
	case s.Held:
		return imageHeld
	}
	return imageOld
}
