// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/lru"
	"github.com/vedette-io/vedette/internal/observe"
)

const (
	// maxQueue is how many events wait for build ids at most.
	maxQueue = 1024
	// maxKnown is how many files' build ids are remembered.
	maxKnown = 1024
	// patience is how long one file may take.
	patience = 500 * time.Millisecond
	// maxClosing is how long the rest of the queue may take at the end; what
	// is left then comes without build ids.
	maxClosing = 2 * time.Second
	// maxStuck is how many files may be read at once that take longer: a file
	// system that does not answer must not hold all events up.
	maxStuck = 4
)

// BuildIDs reads the build ids that the kernel did not tell, one file after
// the other, and remembers them.
type BuildIDs struct {
	procfs string
	emit   func(*event.Event)

	queue chan job
	// reading has a place for each file that is being read.
	reading chan struct{}
	done    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	until  time.Time // when there is no time left for build ids, once closed
	known  *lru.Cache[executable.Identity, []byte]
}

// job is an event that waits.
type job struct {
	event   *event.Event
	mapping observe.Mapping
}

// NewBuildIDs starts a reader. procfs is where the host's /proc is mounted;
// emit takes the events.
func NewBuildIDs(procfs string, emit func(*event.Event)) *BuildIDs {
	b := &BuildIDs{
		procfs: procfs, emit: emit, queue: make(chan job, maxQueue), reading: make(chan struct{}, maxStuck),
		known: lru.New[executable.Identity, []byte](maxKnown),
	}
	b.done.Go(func() {
		for j := range b.queue {
			if !b.isLate() {
				j.event.Loader.BuildID = append(j.event.Loader.BuildID, b.of(j.mapping)...)
			}
			b.emit(j.event)
		}
	})
	return b
}

// Take takes an event, which must not be used by others any more, and reports
// whether there was room for it. It does not wait.
func (b *BuildIDs) Take(e *event.Event, m observe.Mapping) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	select {
	case b.queue <- job{e, m}:
		return true
	default:
		return false
	}
}

// isLate reports whether there is no time left for build ids.
func (b *BuildIDs) isLate() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed && time.Now().After(b.until)
}

// Close emits what waits, without build ids where they take too long, and ends. A file that is being read for longer than
// patience is left behind: nothing can end such a read.
func (b *BuildIDs) Close() {
	b.mu.Lock()
	if !b.closed {
		b.closed, b.until = true, time.Now().Add(maxClosing)
		close(b.queue)
	}
	b.mu.Unlock()
	b.done.Wait()
}

// of returns the build id of a mapping's file, nil if it has none or cannot be
// read in time.
func (b *BuildIDs) of(m observe.Mapping) []byte {
	select {
	case b.reading <- struct{}{}:
	default:
		return nil
	}
	result := make(chan []byte, 1)
	go func() {
		defer func() { <-b.reading }()
		id, err := b.read(m)
		if err != nil {
			id = nil
		}
		result <- id
	}()
	select {
	case id := <-result:
		return id
	case <-time.After(patience):
		return nil
	}
}

// read finds the file that was mapped: by the mapping itself while that is
// there, else by its path in the process's root directory or, when the process
// has ended, in those of the host and the agent.
func (b *BuildIDs) read(m observe.Mapping) ([]byte, error) {
	process := filepath.Join(b.procfs, strconv.FormatUint(uint64(m.PID), 10))
	file, err := openMapping(filepath.Join(process, "map_files", fmt.Sprintf("%x-%x", m.Start, m.Start+m.Size)), m)
	for _, root := range []string{filepath.Join(process, "root"), filepath.Join(b.procfs, "1", "root"), "/"} {
		if err == nil {
			break
		}
		file, err = openPath(root, m)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return b.readFile(file)
}

// readFile returns the build id of a file, nil if it has none.
func (b *BuildIDs) readFile(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	key := executable.Identity{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		key.Device, key.Inode = stat.Dev, stat.Ino
	}
	b.mu.Lock()
	id, known := b.known.Get(key)
	b.mu.Unlock()
	if known {
		return id, nil
	}
	if id, err = executable.ReadBuildID(file); err != nil && !errors.Is(err, executable.ErrNoBuildID) {
		return nil, err
	}
	b.mu.Lock()
	b.known.Put(key, id)
	b.mu.Unlock()
	return id, nil
}
