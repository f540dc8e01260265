// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/test/compat"
)

// The main thread does everything: what it gives up or enters is then what the process has.
func init() { runtime.LockOSThread() }

func main() {
	result, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "deed:", err)
		os.Exit(1)
	}
	fmt.Print(result)
}

// run makes the calls and returns what the last one returned.
func run(words []string) (string, error) {
	memory := &memory{}
	var results []uintptr
	var last string
	for len(words) > 0 {
		call := words
		if end := slices.Index(words, ","); end >= 0 {
			call, words = words[:end], words[end+1:]
		} else {
			words = nil
		}
		way := do
		if len(call) > 0 && strings.HasPrefix(call[0], "i386/") {
			way, call = doCompat, slices.Concat([]string{call[0][len("i386/"):]}, call[1:])
		}
		values, err := memory.values(call, results)
		if err != nil {
			return "", err
		}
		result, errno := way(values)
		results, last = append(results, result), told(result, errno)
	}
	runtime.KeepAlive(memory)
	return last, nil
}

// do makes a call: its number and its arguments, of which there are at most six.
func do(values []uintptr) (uintptr, unix.Errno) {
	var v [7]uintptr
	copy(v[:], values)
	result, _, errno := unix.Syscall6(v[0], v[1], v[2], v[3], v[4], v[5], v[6])
	return result, errno
}

// doCompat makes the i386 call with the number.
func doCompat(values []uintptr) (uintptr, unix.Errno) {
	args := make([]uint64, len(values)-1)
	for i, v := range values[1:] {
		args[i] = uint64(v)
	}
	result, err := compat.Call(uint64(values[0]), args...)
	errno, _ := err.(unix.Errno)
	return uintptr(result), errno
}

func told(result uintptr, errno unix.Errno) string {
	if errno != 0 {
		return unix.ErrnoName(errno)
	}
	return fmt.Sprint(int(result))
}
