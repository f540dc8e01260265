// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

var newline = []byte{'\n'}

// rotatingFile appends lines to the file of a path. It belongs to one goroutine.
type rotatingFile struct {
	path    string
	perm    fs.FileMode
	open    openFunc
	now     func() time.Time
	backups *backups
	// rotated is called after each rotation.
	rotated func()

	opened           // file is nil when it is to be opened again
	since  time.Time // when the present file was opened
}

// writeLines appends lines, each of which ends in a newline, and returns how many bytes of whole lines
// were written. After an error no part of another line is left in the file.
func (r *rotatingFile) writeLines(lines []byte, maxSize int64) (int, error) {
	written := 0
	for written < len(lines) {
		if err := r.ready(); err != nil {
			return written, err
		}
		chunk := r.fitting(lines[written:], maxSize)
		if len(chunk) == 0 {
			if err := r.rotate(); err != nil {
				return written, err
			}
			continue
		}
		n, err := r.append(chunk)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// ready opens the file if it is not open, or is no longer in any directory, and notices when somebody
// else has cut it (logrotate's copytruncate).
func (r *rotatingFile) ready() error {
	if r.file != nil && r.regular {
		size, links, err := r.file.state()
		if err != nil || links == 0 {
			r.close()
		} else if size != r.size {
			r.size, r.torn = size, r.torn && size != 0
		}
	}
	if r.file != nil {
		return nil
	}
	torn := r.torn && !r.regular // a pipe does not tell how it ended
	o, err := r.open(r.path, r.perm)
	if err != nil {
		return err
	}
	r.opened, r.since = o, r.now()
	r.torn = r.torn || torn
	return nil
}

// fitting returns the lines that may be appended to the present file, none when it must be rotated.
func (r *rotatingFile) fitting(lines []byte, maxSize int64) []byte {
	room := maxSize - r.size
	if r.torn {
		room--
	}
	if !r.regular || int64(len(lines)) <= room {
		return lines
	}
	if room > 0 {
		if end := bytes.LastIndexByte(lines[:room], '\n') + 1; end > 0 {
			return lines[:end]
		}
	}
	if r.size == 0 {
		return lines[:bytes.IndexByte(lines, '\n')+1]
	}
	return nil
}

// append writes lines and returns how many bytes of whole lines the file has taken.
func (r *rotatingFile) append(lines []byte) (int, error) {
	if r.torn {
		if n, err := r.file.Write(newline); n == 0 {
			r.close()
			return 0, writeError(err)
		}
		r.size, r.torn = r.size+1, false
	}
	n, err := r.file.Write(lines)
	if err == nil {
		r.size += int64(n)
		return n, nil
	}
	whole := bytes.LastIndexByte(lines[:n], '\n') + 1
	r.cut(n - whole)
	// Opening the file again is how a device that came back is reached, and finds out how it ends.
	r.close()
	return whole, writeError(err)
}

func writeError(err error) error { return fmt.Errorf("write export file: %w", err) }

// cut removes the last n bytes, the beginning of a line, or notes that they are still there.
func (r *rotatingFile) cut(n int) {
	if n == 0 {
		return
	}
	r.torn = true
	if !r.regular {
		return
	}
	if size, _, err := r.file.state(); err == nil {
		r.torn = r.file.Truncate(size-int64(n)) != nil
	}
}

// rotate gives the file the name of a backup and begins a new one.
func (r *rotatingFile) rotate() error {
	r.close()
	err := os.Rename(r.path, r.backups.nextName(r.now()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rotate export file: %w", err)
	}
	if err := r.ready(); err != nil {
		return err
	}
	r.rotated()
	return nil
}

// rotateIfOld rotates a file that is older than interval and not empty.
func (r *rotatingFile) rotateIfOld(interval time.Duration) error {
	if interval == 0 || r.file == nil || !r.regular || r.now().Sub(r.since) < interval {
		return nil
	}
	if r.size == 0 {
		r.since = r.now()
		return nil
	}
	return r.rotate()
}

// keep begins a new file where the path names another one, or where the present one is old.
func (r *rotatingFile) keep(rotation time.Duration) error {
	if err := r.follow(); err != nil {
		return err
	}
	return r.rotateIfOld(rotation)
}

// abort reports that what hangs in the kernel cannot be ended.
func (*rotatingFile) abort() bool { return false }

func (*rotatingFile) what() string { return "export file" }

// follow begins a new file when the path no longer names the open one (logrotate's rename).
func (r *rotatingFile) follow() error {
	if r.file == nil || !r.regular || r.file.same(r.path) {
		return nil
	}
	r.close()
	return r.ready()
}

func (r *rotatingFile) close() {
	if r.file != nil {
		// Nothing is buffered here: what an error of close could tell, write has told.
		_ = r.file.Close()
		r.file = nil
	}
}
