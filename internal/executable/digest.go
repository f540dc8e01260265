// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// BuildIDAlgorithm is what stands before a build id where others have a
// digest's algorithm.
const BuildIDAlgorithm = "build-id"

// hashes are the algorithms of digests of a file's content, by name.
var hashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

const (
	// maxHashed is the size of the largest file that is hashed, in bytes: that
	// takes about ten seconds.
	maxHashed = 4 << 30
	// tick is longer than the kernel's clock of files takes for a step: of two
	// changes within one step the second cannot be told.
	tick = 50 * time.Millisecond
)

// Stamp tells one content of a file from others, more closely than its
// [Identity]: also where a writer has put the time of the change back.
type Stamp struct {
	Identity
	// Changed is when the file or what is said of it was changed, in
	// nanoseconds since 1970.
	Changed int64
}

// Stamp returns what the file is now.
func (f *File) Stamp() (Stamp, error) {
	info, err := f.file.Stat()
	if err != nil {
		return Stamp{}, err
	}
	s := Stamp{Identity: Identity{Size: info.Size(), Modified: info.ModTime().UnixNano()}}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Device, s.Inode, s.Changed = stat.Dev, stat.Ino, stat.Ctim.Nano()
	}
	return s, nil
}

// DigestError says that a file has none of the digests that it should have.
type DigestError struct {
	Path string
	// Expected are the digests as ALGORITHM:HEX, Found what the file has of
	// each of their algorithms.
	Expected, Found []string
}

// Error implements error.
func (e *DigestError) Error() string {
	expected := e.Expected[0]
	if len(e.Expected) > 1 {
		expected = "one of " + strings.Join(e.Expected, ", ")
	}
	return fmt.Sprintf("%s: the file is another one than binaryDigests allows: expected %s, found %s", e.Path, expected, strings.Join(e.Found, ", "))
}

// maxDigests is how many files are remembered.
const maxDigests = 256

// Digests compute digests of files, and remember them while a file is not
// changed. The zero value is ready. Its methods may be called from any
// goroutine.
type Digests struct {
	mu    sync.Mutex
	known map[Stamp]map[string]string // by algorithm
}

// Verify checks that a program or shared library has one of the digests, each
// ALGORITHM:HEX, and returns what file that is. The error is a [*DigestError]
// if it has none of them.
func (d *Digests) Verify(path string, digests []string) (Stamp, error) {
	f, err := Open(path)
	if err != nil {
		return Stamp{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	var wanted []string
	for _, digest := range digests {
		if algorithm, _, _ := strings.Cut(digest, ":"); !slices.Contains(wanted, algorithm) {
			wanted = append(wanted, algorithm)
		}
	}
	stamp, sums, err := d.of(f, wanted)
	if err != nil {
		return stamp, fmt.Errorf("%s: %w", path, err)
	}
	e := &DigestError{Path: path, Expected: digests}
	for _, algorithm := range wanted {
		e.Found = append(e.Found, sums[algorithm])
	}
	for _, digest := range digests {
		if slices.Contains(e.Found, strings.ToLower(digest)) {
			return stamp, nil
		}
	}
	return stamp, e
}

// of returns what the file is and its digests by the algorithms' names.
func (d *Digests) of(f *File, algorithms []string) (Stamp, map[string]string, error) {
	stamp, err := f.settled()
	if err != nil {
		return stamp, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	sums := d.known[stamp]
	if sums == nil {
		sums = map[string]string{}
	}
	missing := slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return sums[a] != "" })
	if err := f.digest(missing, sums); err != nil {
		return stamp, nil, err
	}
	now, err := f.Stamp()
	if err == nil && now != stamp {
		err = errors.New("the file was changed while its digest was computed")
	}
	if err != nil {
		return stamp, nil, err
	}
	if len(d.known) >= maxDigests || d.known == nil {
		d.known = map[Stamp]map[string]string{}
	}
	d.known[stamp] = sums
	return stamp, sums, nil
}

// settled returns what the file is once another change would be seen by it.
func (f *File) settled() (Stamp, error) {
	s, err := f.Stamp()
	if err != nil {
		return s, err
	}
	if age := time.Since(time.Unix(0, s.Changed)); age < tick {
		time.Sleep(min(tick, tick-age))
	}
	return s, nil
}

// digest adds digests to sums.
func (f *File) digest(algorithms []string, sums map[string]string) error {
	var all []io.Writer
	running := map[string]hash.Hash{}
	for _, name := range algorithms {
		if name == BuildIDAlgorithm {
			sums[name] = f.buildIDText()
			continue
		}
		h := hashes[name]
		if h == nil {
			return fmt.Errorf("there is no digest %q", name)
		}
		running[name] = h()
		all = append(all, running[name])
	}
	if len(all) == 0 {
		return nil
	}
	n, err := io.Copy(io.MultiWriter(all...), io.NewSectionReader(f.file, 0, maxHashed+1))
	if err == nil && n > maxHashed {
		err = fmt.Errorf("files of more than %d bytes are not hashed", maxHashed)
	}
	if err != nil {
		return err
	}
	for name, h := range running {
		sums[name] = name + ":" + hex.EncodeToString(h.Sum(nil))
	}
	return nil
}

// buildIDText spells the build id as digests are.
func (f *File) buildIDText() string {
	id, err := ReadBuildID(f.file)
	if err != nil {
		return fmt.Sprintf("%s (%v)", BuildIDAlgorithm, err)
	}
	return BuildIDAlgorithm + ":" + hex.EncodeToString(id)
}
