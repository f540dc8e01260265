// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/lru"
)

const (
	// maxContainers and maxPods are how many are known at once; beyond them the oldest goes. A node has some
	// hundred.
	maxContainers = 16384
	maxPods       = 8192
	// maxWanted is how many containers can wait at once to be looked up.
	maxWanted = 1024
	// DefaultDeleted is how many containers and pods are remembered that are gone, for what comes late,
	// unless [StoreOptions] say otherwise.
	DefaultDeleted = 1024
	// tellPatience is how long OnContainer may take for a container that runs already.
	tellPatience = 10 * time.Second
)

// StoreOptions are what a [Store] is made with.
type StoreOptions struct {
	// Sources says that there is somebody who tells of pods: containers of pods that are not known are worth
	// waiting for.
	Sources bool
	// Annotations adds the annotations of pods to events.
	Annotations bool
	// Deleted is how many containers and pods that are gone are remembered, 0 for DefaultDeleted.
	Deleted int
	// OnContainer is told of each container of a pod whose cgroup is known: by [Store.Put] before that
	// returns, and again when something about it changes. It is called for one container at a time. After an
	// error it is called again at the next change.
	OnContainer func(context.Context, container.Container) error
	// OnRemoved is told of each container that OnContainer was told of, when it is gone.
	OnRemoved func(container.Container)
	// OnChange is called when more is known than before. It must not wait and not call the store.
	OnChange func()
	Log      *slog.Logger
}

// Store knows the containers of this node and their pods. It is safe for concurrent use. What it is told
// by several sources about one container it puts together.
type Store struct {
	opts    StoreOptions
	version atomic.Uint64
	wanted  chan string
	changed chan struct{}

	telling sync.Mutex // held while OnContainer runs

	mu         sync.Mutex
	cgroups    cgroupCache
	containers map[string]*entry
	gone       *lru.Cache[string, *entry]
	byPod      map[string]map[string]*entry // by uid and id
	pods       map[string]*podEntry         // of the API server, by uid and by the uid that the kubelet uses
	gonePods   *lru.Cache[string, *podEntry]
	untold     map[string]struct{} // those that OnContainer is to be told of by Run
	clock      uint64              // counts entries, so that the oldest is known
	stats      StoreStats
}

// entry is what is known of a container.
type entry struct {
	container container.Container
	uid       string // of the pod
	uidTold   string // of the pod, by the path of the cgroup
	workload  *Workload
	refused   bool // nobody knows it: it is not worth waiting for
	told      *container.Container
	age       uint64
}

// StoreStats counts what happened to a [Store].
type StoreStats struct {
	// Containers and Pods are how many are known now.
	Containers, Pods int
	// Evicted counts containers and pods that were forgotten for want of room.
	Evicted uint64
	// LookupsDropped counts containers that were not looked up, because too many waited.
	LookupsDropped uint64
	// Refused counts containers that no source knew, CallbackErrors the errors of OnContainer.
	Refused, CallbackErrors uint64
}

// NewStore returns a store that knows nothing yet.
func NewStore(opts StoreOptions) *Store {
	if opts.Deleted <= 0 {
		opts.Deleted = DefaultDeleted
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	return &Store{
		opts: opts, wanted: make(chan string, maxWanted), changed: make(chan struct{}, 1),
		cgroups: newCgroupCache(), containers: make(map[string]*entry), gone: lru.New[string, *entry](opts.Deleted),
		byPod: make(map[string]map[string]*entry), pods: make(map[string]*podEntry),
		gonePods: lru.New[string, *podEntry](opts.Deleted), untold: make(map[string]struct{}),
	}
}

// Container implements [Resolver]. It notes the cgroup of a container that it has not seen before.
func (s *Store) Container(cgroupID uint64, path []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, found := s.cgroups.get(cgroupID); found {
		return id
	}
	id, own := containerOf(path)
	name := string(id)
	s.cgroups.put(cgroupID, name)
	if name == "" {
		return ""
	}
	if _, gone := s.gone.Get(name); gone {
		return name
	}
	e := s.ensure(name)
	if e.uidTold == "" {
		e.uidTold = PodUID(path)
		s.index(e)
	}
	if len(own) == len(path) && cgroupID != 0 {
		e.container.CgroupID, e.container.CgroupPath = cgroupID, string(path)
	}
	s.rebuild(e)
	if s.pending(e) {
		s.want(name)
	}
	return name
}

// Workload implements [Resolver].
func (s *Store) Workload(containerID string) *Workload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.find(containerID); e != nil {
		return e.workload
	}
	return nil
}

// Version implements [Resolver].
func (s *Store) Version() uint64 { return s.version.Load() }

// Pending reports whether a container is one of a pod that is to become known.
func (s *Store) Pending(containerID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(containerID)
	return e != nil && s.pending(e)
}

func (s *Store) pending(e *entry) bool {
	return s.opts.Sources && !e.refused && e.uid != "" && (e.workload == nil || !e.workload.complete)
}

// Want asks the sources for a container that is still not known.
func (s *Store) Want(containerID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want(containerID)
}

func (s *Store) want(id string) {
	if !s.opts.Sources {
		return
	}
	select {
	case s.wanted <- id:
	default:
		s.stats.LookupsDropped++
	}
}

// Wanted has the ids of the containers that are to be looked up.
func (s *Store) Wanted() <-chan string { return s.wanted }

// Refuse says that a source that knows all containers does not know this one, so that nothing waits for it.
func (s *Store) Refuse(containerID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(containerID)
	if e == nil || e.refused || e.workload != nil && e.workload.complete {
		return
	}
	e.refused = true
	s.stats.Refused++
	s.change()
}

// Put tells of a container, before it starts if the source can do that. When it returns OnContainer has
// been told; the error is the callback's.
func (s *Store) Put(ctx context.Context, c container.Container) error {
	if c.ID == "" {
		return nil
	}
	s.mu.Lock()
	e := s.ensure(c.ID)
	e.refused = false
	e.container.Merge(&c)
	s.index(e)
	s.rebuild(e)
	delete(s.untold, c.ID)
	s.mu.Unlock()
	return s.tell(ctx, c.ID)
}

// Remove tells that a container is gone. It stays known for a while, for what comes late.
func (s *Store) Remove(containerID string) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	e := s.containers[containerID]
	if e != nil {
		s.drop(e)
	}
	s.mu.Unlock()
	if e != nil && e.told != nil && s.opts.OnRemoved != nil {
		s.opts.OnRemoved(*e.told)
	}
}

// Run tells OnContainer of what became known without [Store.Put], until ctx ends.
func (s *Store) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		for _, id := range s.takeUntold() {
			limited, cancel := context.WithTimeout(ctx, tellPatience)
			if err := s.tell(limited, id); err != nil && ctx.Err() == nil {
				s.opts.Log.Warn("container: policies are not bound to it", "container", id, "error", err)
			}
			cancel()
		}
	}
}

func (s *Store) takeUntold() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.untold))
	for id := range s.untold {
		ids = append(ids, id)
	}
	clear(s.untold)
	return ids
}

// tell tells OnContainer of a container, unless there is nothing new.
func (s *Store) tell(ctx context.Context, id string) error {
	if s.opts.OnContainer == nil {
		return nil
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	e := s.containers[id]
	if e == nil || e.container.CgroupID == 0 || e.workload == nil {
		s.mu.Unlock()
		return nil
	}
	now := s.shown(e)
	same := e.told != nil && e.told.Equal(&now)
	s.mu.Unlock()
	if same {
		return nil
	}
	err := s.opts.OnContainer(ctx, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.stats.CallbackErrors++
		return err
	}
	e.told = &now
	return nil
}

// Stats returns the counters.
func (s *Store) Stats() StoreStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Containers, stats.Pods = len(s.containers), len(s.pods)
	return stats
}

// ensure returns the entry of a container. One that was gone is back.
func (s *Store) ensure(id string) *entry {
	if e := s.containers[id]; e != nil {
		return e
	}
	e, found := s.gone.Remove(id)
	if !found {
		e = &entry{container: container.Container{ID: id}}
	}
	if len(s.containers) >= maxContainers {
		s.evict()
	}
	s.clock++
	e.age = s.clock
	s.containers[id] = e
	return e
}

func (s *Store) find(id string) *entry {
	if e := s.containers[id]; e != nil {
		return e
	}
	e, _ := s.gone.Get(id)
	return e
}

func (s *Store) evict() {
	var oldest *entry
	for _, e := range s.containers {
		if oldest == nil || e.age < oldest.age {
			oldest = e
		}
	}
	s.stats.Evicted++
	s.drop(oldest)
}

// drop moves a container to those that are gone.
func (s *Store) drop(e *entry) {
	id := e.container.ID
	delete(s.containers, id)
	s.unindex(e)
	delete(s.untold, id)
	s.gone.Put(id, e)
}

// index keeps the container among those of its pod.
func (s *Store) index(e *entry) {
	uid := e.container.Pod.UID
	if uid == "" {
		uid = e.uidTold
	}
	if uid == e.uid && s.byPod[uid][e.container.ID] == e {
		return
	}
	s.unindex(e)
	e.uid = uid
	if uid == "" {
		return
	}
	if s.byPod[uid] == nil {
		s.byPod[uid] = make(map[string]*entry)
	}
	s.byPod[uid][e.container.ID] = e
}

func (s *Store) unindex(e *entry) {
	delete(s.byPod[e.uid], e.container.ID)
	if len(s.byPod[e.uid]) == 0 {
		delete(s.byPod, e.uid)
	}
}

func (s *Store) change() {
	s.version.Add(1)
	if s.opts.OnChange != nil {
		s.opts.OnChange()
	}
}

// toTell has Run tell OnContainer of a container.
func (s *Store) toTell(e *entry) {
	s.untold[e.container.ID] = struct{}{}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
