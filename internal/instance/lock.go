// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultDir is where the agent keeps its pid file, its info file and its socket.
const DefaultDir = "/var/run/vedette"

// DefaultPIDFile is the agent's pid file.
const DefaultPIDFile = DefaultDir + "/vedette.pid"

// RunningError says that another agent holds the lock.
type RunningError struct {
	// PIDFile is the path of the file that it has locked.
	PIDFile string
	// PID is its process id as written in the file, 0 when that cannot be read.
	PID int
}

func (e *RunningError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another instance of the agent is running (it has locked %s)", e.PIDFile)
	}
	return fmt.Sprintf("another instance of the agent is running with pid %d (it has locked %s)", e.PID, e.PIDFile)
}

// Lock is a locked pid file.
type Lock struct{ file *os.File }

// Acquire locks the pid file, made together with its directory where missing, and writes the id of this
// process into it. It returns a [RunningError] when another process has locked it. The kernel gives up
// the lock when the process ends, however that happens: a file that is left behind does no harm.
func Acquire(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock pid file: %w", err)
	}
	for {
		l, current, err := tryAcquire(path)
		if err != nil {
			return nil, err
		}
		if current {
			return l, nil
		}
	}
}

// tryAcquire reports current = false when an agent that was just ending has removed the file between
// opening and locking: the lock is then worth nothing.
func tryAcquire(path string) (l *Lock, current bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, false, fmt.Errorf("lock pid file: %w", err)
	}
	defer func() {
		if !current || err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, false, &RunningError{PIDFile: path, PID: readPID(f)}
		}
		return nil, false, fmt.Errorf("lock pid file %s: %w", path, err)
	}
	if current, err = names(path, f); !current || err != nil {
		return nil, current, err
	}
	if err := writePID(f); err != nil {
		return nil, true, fmt.Errorf("write pid file: %w", err)
	}
	return &Lock{f}, true, nil
}

// names says whether the path is that of the open file.
func names(path string, f *os.File) (bool, error) {
	named, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock pid file: %w", err)
	}
	mine, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("lock pid file: %w", err)
	}
	return os.SameFile(named, mine), nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// readPID returns the number in the file, 0 when there is none.
func readPID(f *os.File) int {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// Release removes the pid file and gives up the lock.
func (l *Lock) Release() error {
	if err := errors.Join(os.Remove(l.file.Name()), l.file.Close()); err != nil {
		return fmt.Errorf("release pid file: %w", err)
	}
	return nil
}
