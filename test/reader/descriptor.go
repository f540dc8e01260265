// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// received reads from a descriptor that came over a unix socket.
func received(path string) ([]byte, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(fd), nil, 0), unix.Close(fd)); err != nil {
		return nil, err
	}
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("%d control messages: %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return read(fds[0])
}

// inherited has a new program read from the descriptor that it inherits, and
// ends as that did.
func inherited(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "stdin", path)
	cmd.Stdin = file
	out, err := cmd.Output()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == -1 {
		return nil, endLike(cmd.ProcessState)
	}
	return out, err
}

// endLike ends this process by the signal that ended the other.
func endLike(state *os.ProcessState) error {
	status, ok := state.Sys().(interface{ Signal() unix.Signal })
	if !ok {
		return fmt.Errorf("unknown state %v", state)
	}
	return errors.Join(unix.Kill(os.Getpid(), status.Signal()), errors.New("still alive"))
}

func fromStdin(string) ([]byte, error) { return read(0) }

// duplicated reads from a duplicate of the descriptor.
func duplicated(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		other, err := unix.Dup(fd)
		if err != nil {
			return nil, err
		}
		return read(other)
	})(path)
}

func duplicatedTo(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		const other = 77
		if err := unix.Dup2(fd, other); err != nil {
			return nil, err
		}
		return read(other)
	})(path)
}

func duplicatedByFcntl(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100)
		if err != nil {
			return nil, err
		}
		return read(other)
	})(path)
}

// harmless is a file that no policy of the tests protects.
const harmless = "/proc/self/comm"

// reused opens the file and closes it, and reads another under its number.
func reused(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		if err := unix.Close(fd); err != nil {
			return nil, err
		}
		return readAs(fd)
	})(path)
}

// copied puts another file under the number of the file.
func copied(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		other, err := unix.Open(harmless, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		if err := unix.Dup2(other, fd); err != nil {
			return nil, err
		}
		return read(fd)
	})(path)
}

// readAs opens another file, which gets the number fd as the lowest one that
// is free, and reads from it.
func readAs(fd int) ([]byte, error) {
	other, err := unix.Open(harmless, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if other != fd {
		return nil, fmt.Errorf("descriptor %d was not used again, but %d", fd, other)
	}
	return read(other)
}

// closed opens the file, closes it, and reads from the number that is no
// descriptor any more.
func closed(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		if err := unix.Close(fd); err != nil {
			return nil, err
		}
		if _, err := read(fd); !errors.Is(err, unix.EBADF) {
			return nil, fmt.Errorf("read of a closed descriptor: %w", err)
		}
		return []byte("closed\n"), nil
	})(path)
}

// inThread opens the file in one thread and reads it in another.
func inThread(path string) ([]byte, error) {
	runtime.LockOSThread()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	type result struct {
		out []byte
		err error
	}
	results := make(chan result)
	go func() {
		runtime.LockOSThread()
		out, err := read(fd)
		results <- result{out, err}
	}()
	r := <-results
	return r.out, r.err
}

// await opens the file, says so on standard error, and reads it after
// standard input has ended.
func await(path string) ([]byte, error) {
	return opened(func(fd int) ([]byte, error) {
		if _, err := os.Stderr.WriteString("opened\n"); err != nil {
			return nil, err
		}
		if _, err := unix.Read(0, make([]byte, 1)); err != nil {
			return nil, err
		}
		return read(fd)
	})(path)
}
