// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// whence marks the lseek calls of the tests: it is no valid value.
const whence = 4444

// threadSeek makes a call in the first thread and in another.
func threadSeek([]string) error {
	if err := seek(); err != nil {
		return err
	}
	return onOtherThread(seek)
}

func seek() error {
	if _, err := unix.Seek(-1, 0, whence); !errors.Is(err, unix.EBADF) {
		return fmt.Errorf("lseek: %w", err)
	}
	fmt.Println(unix.Gettid())
	return nil
}

// forkExit forks without an exec. The child does nothing but end: it has one
// thread of a runtime that needs several.
func forkExit([]string) error {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("fork: %w", errno)
	}
	if pid == 0 {
		for {
			_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, 7, 0, 0)
		}
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(int(pid), &status, 0, nil); err != nil {
		return err
	}
	if status.ExitStatus() != 7 {
		return fmt.Errorf("the child ended with %#x", int(status))
	}
	fmt.Println(pid)
	return nil
}
