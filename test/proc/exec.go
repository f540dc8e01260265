// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// threadExec executes a program from another thread than the first: the
// kernel gives it the first thread's id.
func threadExec(args []string) error {
	if err := need(args, 1); err != nil {
		return err
	}
	return onOtherThread(func() error {
		return unix.Exec(args[0], args, os.Environ())
	})
}

// onOtherThread runs f on a thread that is not the process's first.
func onOtherThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

func init() {
	// The main goroutine keeps the first thread, so that no other gets it.
	runtime.LockOSThread()
}

func memoryExec(args []string) error {
	if err := need(args, 1); err != nil {
		return err
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("in-memory", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("memfd: %w", err)
	}
	if _, err := unix.Write(fd, text); err != nil {
		return err
	}
	return execDescriptor(fd, args)
}

func deletedExec(args []string) error {
	if err := need(args, 1); err != nil {
		return err
	}
	fd, err := unix.Open(args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := os.Remove(args[0]); err != nil {
		return err
	}
	return execDescriptor(fd, args)
}

func execDescriptor(fd int, argv []string) error {
	return unix.Exec("/proc/self/fd/"+strconv.Itoa(fd), argv, os.Environ())
}

// deep is a chain of processes, each the parent of the next.
func deep(args []string) error {
	if err := need(args, 1); err != nil {
		return err
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n == 0 {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "deep", strconv.Itoa(n-1))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// storm executes a program again and again, at most 2,000 times a second.
func storm(args []string) error {
	if err := need(args, 2); err != nil {
		return err
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	const pace = time.Second / 1000 // of one of two storms
	begin := time.Now()
	for i := range n {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * pace)))
		if err := exec.Command(args[1]).Run(); err != nil {
			return err
		}
	}
	fmt.Println(time.Since(begin).Milliseconds())
	return nil
}

// procs enters a cgroup by its cgroup.procs before it executes a program.
func procs(args []string) error {
	if err := need(args, 2); err != nil {
		return err
	}
	if err := os.WriteFile(args[0], []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return err
	}
	return unix.Exec(args[1], args[1:], os.Environ())
}
