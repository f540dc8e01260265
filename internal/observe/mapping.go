// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"slices"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/lru"
	"github.com/vedette-io/vedette/internal/process"
)

// Mapping is a file that a process has mapped to execute it.
type Mapping struct {
	PID, TID uint32
	// Time is when, and Exec when the process last began to execute a program, 0 where that is not
	// known. Both are in nanoseconds since boot. Between Exec and the exec's own record the mappings are
	// those that the kernel makes for the new image.
	Time, Exec uint64
	// Start and Size are where it is in the process's memory, in bytes.
	Start, Size uint64
	// Path is the file's as the process sees it.
	Path []byte
	// BuildID is nil where the kernel did not tell one. Then Device and Inode are the file's.
	BuildID       []byte
	Device, Inode uint64
}

// LoaderPlan is what a policy wants of events of mapped files.
type LoaderPlan struct {
	// Key counts its events.
	Key string
	// HostOnly says that it is only about processes that are in no container.
	HostOnly bool
}

const (
	// mappingDelay is how long a mapping waits for records that were made before it, and
	// mappingPatience for its process to become known, in nanoseconds.
	mappingDelay    = 100e6
	mappingPatience = 2e9
	// maxMappings is how many mappings wait at most, maxRecent how many are known as told.
	maxMappings = 8192
	maxRecent   = 1024
)

// mappings are the mappings that wait until the record of the image is there that they belong to.
type mappings struct {
	plans []LoaderPlan
	// fresh are those after the last record, in the order of time; awaiting are those whose image is
	// not known.
	fresh, awaiting []Mapping
	// recent has what was told: a file is told once of an image.
	recent *lru.Cache[mappedFile, struct{}]
	told   map[string]uint64 // events, by keys of plans
}

// mappedFile is a file in an image.
type mappedFile struct {
	image process.ID
	path  string
}

// SetLoader says which policies want events of mapped files. Without any, mappings are dropped.
func (o *Observer) SetLoader(plans []LoaderPlan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mappings.plans = slices.Clone(plans)
	told := make(map[string]uint64)
	for _, p := range plans {
		told[p.Key] = o.mappings.told[p.Key]
	}
	o.mappings.told = told
}

// LoaderEvents returns how many events of mapped files each policy had, by the keys of their plans.
func (o *Observer) LoaderEvents() map[string]uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	told := make(map[string]uint64)
	for key, n := range o.mappings.told {
		told[key] = n
	}
	return told
}

// HandleMappings takes mappings in the order of time, all that were made before the records that
// follow, and how many are known to be lost.
func (o *Observer) HandleMappings(all []Mapping, lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.loss.add(lossMapping, "the ring of mapped files is full", lost)
	m := &o.mappings
	room := max(maxMappings-len(m.fresh)-len(m.awaiting), 0)
	if len(all) > room {
		o.loss.add(lossMapping, "too many mapped files wait for their process", uint64(len(all)-room))
		all = all[:room]
	}
	m.fresh = append(m.fresh, all...)
}

// SettleMappings tells the time in nanoseconds since boot. It is to be called a few times a second
// while mappings come, so that they do not wait for a record.
func (o *Observer) SettleMappings(now uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mappingsBefore(now - min(now, mappingDelay))
	o.releaseMappings(func(m *Mapping) bool { return m.Time+mappingPatience < now })
}

// mappingsBefore takes the mappings before a time. All records before it have been handled.
func (o *Observer) mappingsBefore(time uint64) {
	m := &o.mappings
	n := 0
	for n < len(m.fresh) && m.fresh[n].Time < time {
		if p := o.opts.Tree.Current(m.fresh[n].PID); p != nil && p.ID().Start >= m.fresh[n].Exec {
			o.emitMapping(&m.fresh[n], p)
		} else {
			m.awaiting = append(m.awaiting, m.fresh[n])
		}
		n++
	}
	m.fresh = slices.Delete(m.fresh, 0, n)
}

// mappingsOf emits the mappings that a process made before, now that its image is known, or ends.
func (o *Observer) mappingsOf(pid uint32) {
	o.releaseMappings(func(m *Mapping) bool { return m.PID == pid })
}

// releaseMappings emits those of the mappings that wait, with whatever is known of their process.
func (o *Observer) releaseMappings(chosen func(*Mapping) bool) {
	if len(o.mappings.awaiting) == 0 {
		return
	}
	o.mappings.awaiting = slices.DeleteFunc(o.mappings.awaiting, func(m Mapping) bool {
		if !chosen(&m) {
			return false
		}
		o.emitMapping(&m, o.opts.Tree.Current(m.PID))
		return true
	})
}

// emitMapping emits the event of a mapping, unless it has been told. p is nil where the process is not
// known.
func (o *Observer) emitMapping(m *Mapping, p *process.Process) {
	id := process.ID{PID: m.PID}
	if p != nil {
		id = p.ID()
	}
	o.begin(event.KindLoader, m.Time)
	o.addProcess(p, id, m.TID, o.ancestors[event.KindLoader])
	if !o.isWanted(o.ev.Process) {
		return
	}
	if p != nil && o.wasTold(mappedFile{id, string(m.Path)}) {
		return
	}
	o.ev.Loader.Path = append(o.ev.Loader.Path, m.Path...)
	o.ev.Loader.BuildID = append(o.ev.Loader.BuildID, m.BuildID...)
	o.countMapping(o.ev.Process)
	if len(m.BuildID) == 0 && o.opts.BuildID != nil && o.opts.BuildID(o.ev.Clone(), *m) {
		return
	}
	o.emit()
}

// wasTold reports whether an image's file has been told, and notes that it is.
func (o *Observer) wasTold(file mappedFile) bool {
	_, told := o.mappings.recent.Get(file)
	o.mappings.recent.Put(file, struct{}{})
	return told
}

// wants reports whether a policy wants the events of a process.
func (p *LoaderPlan) wants(of *event.Process) bool {
	return !p.HostOnly || of.Docker == "" && of.Pod == nil
}

// isWanted reports whether any policy wants the events of a process.
func (o *Observer) isWanted(of *event.Process) bool {
	return slices.ContainsFunc(o.mappings.plans, func(p LoaderPlan) bool { return p.wants(of) })
}

// countMapping counts an event for the policies that want it.
func (o *Observer) countMapping(of *event.Process) {
	for i := range o.mappings.plans {
		if p := &o.mappings.plans[i]; p.wants(of) {
			o.mappings.told[p.Key]++
		}
	}
}
