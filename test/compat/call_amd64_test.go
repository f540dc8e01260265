// SPDX-License-Identifier: Apache-2.0

package compat_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/compat"
)

// Numbers of i386 calls.
const (
	getpid = 20
	open   = 5
)

// TestCall makes 32-bit calls that do what those of the machine do.
func TestCall(t *testing.T) {
	if has, err := kernel.Offered().HasSymbol("do_fast_syscall_32"); err != nil || !has {
		t.Skipf("no 32-bit calls here: %v", err)
	}
	if pid, err := compat.Call(getpid); int(pid) != os.Getpid() || err != nil {
		t.Errorf("getpid is %d, %v", pid, err)
	}
	m, err := compat.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	path := m.PutString(filepath.Join(t.TempDir(), "none"))
	if _, err := compat.Call(open, path|0xffff<<32, unix.O_RDONLY); err != unix.ENOENT {
		t.Errorf("open: %v", err)
	}
}
