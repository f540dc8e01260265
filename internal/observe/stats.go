// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/vedette-io/vedette/internal/process"

// Stats counts what an [Observer] has done.
type Stats struct {
	// Records and Corrupt count the records that could be decoded and those that could not.
	Records, Corrupt uint64
	// Events counts the events emitted, lost events included.
	Events uint64
	// Lost counts the events that lost events told of.
	Lost uint64
	// Missing counts the records of the rings for bulk and evidence that never came, as their numbers
	// show, Duplicates those whose number had been seen.
	Missing    [2]uint64
	Duplicates uint64
	// UnknownProcesses counts events of processes that were not in the tree.
	UnknownProcesses uint64
	// MissingArguments counts arguments that were not in their record, TruncatedArguments those that
	// were cut.
	MissingArguments, TruncatedArguments uint64
	// AwaitingReturn is how many calls wait now for their other half, Unmatched counts those that did
	// not get it.
	AwaitingReturn int
	Unmatched      uint64
	// Plans is how many plans of hooks are known now.
	Plans int
	// Tree counts what happened to the process tree.
	Tree process.Stats
}

// Stats returns the counters.
func (o *Observer) Stats() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.stats
	s.Records, s.Corrupt = o.decoder.Records, o.decoder.Corrupt
	s.Duplicates = o.sequence.Duplicates
	for i := range s.Missing {
		s.Missing[i] = uint64(max(o.loss.rings[i].gaps, 0))
	}
	s.AwaitingReturn = len(o.calls.halves)
	s.Unmatched = o.calls.unmatched
	s.Plans = len(o.plans)
	s.Tree = o.opts.Tree.Stats()
	return s
}
