// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/lru"
)

const (
	// maxObjects and maxObjectBytes bound the files whose functions are kept.
	maxObjects     = 256
	maxObjectBytes = 96 << 20
	// maxMissing is how many build ids are remembered of which no file was
	// found, forget for how long.
	maxMissing = 4096
	forget     = time.Minute
	// maxSearched is how many files are opened to find one by its build id.
	maxSearched = 64
)

// object is a file whose functions are known.
type object struct {
	path      string
	identity  executable.Identity
	buildID   executable.BuildID
	functions *executable.Functions
	// fixed says that the program's addresses are those of the file.
	fixed bool
}

// objects are the files whose functions are known; those not used for the
// longest time go.
type objects struct {
	known     *lru.Cache[executable.Identity, *object]
	byBuildID map[executable.BuildID]executable.Identity
	bytes     int
	missing   *lru.Cache[executable.BuildID, time.Time]
	// libraries are the directories in which libraries are searched.
	libraries []string
}

// libraryDirs are where the loaders of common systems look for libraries.
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
}

func newObjects() *objects {
	o := &objects{
		known: lru.New[executable.Identity, *object](maxObjects), byBuildID: map[executable.BuildID]executable.Identity{},
		missing: lru.New[executable.BuildID, time.Time](maxMissing), libraries: libraryDirs,
	}
	o.known.Dropped = func(_ executable.Identity, x *object) {
		o.bytes -= x.functions.Bytes()
		delete(o.byBuildID, x.buildID)
	}
	return o
}

// mapped returns the file of a mapping, which path leads to while its process
// runs; nil if it cannot be had.
func (o *objects) mapped(m *mapping, path string) *object {
	if m.opened {
		x, _ := o.known.Get(m.identity)
		if x != nil {
			return x
		}
	}
	f, err := executable.Open(path)
	if err != nil {
		f, err = openSame(m)
	}
	if err != nil {
		return nil
	}
	defer f.Close()
	x := o.of(f, m.path)
	if x != nil {
		m.identity, m.opened = x.identity, true
	}
	return x
}

// openSame opens the file of a mapping by its path, if that is still the same
// file.
func openSame(m *mapping) (*executable.File, error) {
	if !isGlobal(m.path) || m.inode == 0 {
		return nil, fs.ErrNotExist
	}
	f, err := executable.Open(m.path)
	if err != nil {
		return nil, err
	}
	if id := f.Identity(); id.Device != m.device || id.Inode != m.inode {
		return nil, errors.Join(fs.ErrNotExist, f.Close())
	}
	return f, nil
}

// of returns the functions of an open file; nil if they cannot be read. path
// is what events call it.
func (o *objects) of(f *executable.File, path string) *object {
	if x, ok := o.known.Get(f.Identity()); ok {
		return x
	}
	functions, err := f.Functions()
	if err != nil {
		return nil
	}
	x := &object{path: path, identity: f.Identity(), functions: functions, fixed: f.IsFixed()}
	o.bytes += functions.Bytes()
	o.known.Put(x.identity, x)
	if id, err := f.BuildID(); err == nil {
		x.buildID = id
		o.byBuildID[id] = x.identity
	}
	for o.bytes > maxObjectBytes && o.known.Len() > 1 {
		o.known.Drop()
	}
	return x
}

// withBuildID returns the file of a build id; nil if it is not found. It can
// be one of those that the paths lead to, or of the libraries that they ask
// for.
func (o *objects) withBuildID(id executable.BuildID, paths ...string) *object {
	if identity, ok := o.byBuildID[id]; ok {
		x, _ := o.known.Get(identity)
		return x
	}
	if since, ok := o.missing.Get(id); ok && time.Since(since) < forget {
		return nil
	}
	x := o.search(id, paths)
	if x == nil {
		o.missing.Put(id, time.Now())
	}
	return x
}

// search opens files until one has the build id: the paths first, then the
// libraries that they ask for, and those that these ask for.
func (o *objects) search(id executable.BuildID, paths []string) *object {
	seen := map[string]bool{}
	for i := 0; i < len(paths) && len(seen) < maxSearched; i++ {
		path := paths[i]
		if seen[path] || !isGlobal(path) {
			continue
		}
		seen[path] = true
		x, libraries := o.match(id, path)
		if x != nil {
			return x
		}
		paths = append(paths, o.located(libraries)...)
	}
	return nil
}

// isGlobal reports whether a path leads all processes to the same file: what
// is below /proc depends on who asks.
func isGlobal(path string) bool { return filepath.IsAbs(path) && !strings.HasPrefix(path, "/proc/") }

// match opens a file, and returns it if it has the build id; else the
// libraries that it asks for.
func (o *objects) match(id executable.BuildID, path string) (*object, []string) {
	f, err := executable.Open(path)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	if have, err := f.BuildID(); err == nil && have == id {
		return o.of(f, path), nil
	}
	libraries, err := f.Libraries()
	if err != nil {
		return nil, nil
	}
	return nil, libraries
}

// located are the places where libraries can be.
func (o *objects) located(names []string) []string {
	var paths []string
	for _, name := range names {
		if strings.Contains(name, "/") {
			paths = append(paths, name)
			continue
		}
		for _, dir := range o.libraries {
			if path := filepath.Join(dir, name); isFile(path) {
				paths = append(paths, path)
				break
			}
		}
	}
	return paths
}
