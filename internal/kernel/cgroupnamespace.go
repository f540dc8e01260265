// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// InHostCgroups calls f in the cgroup namespace of process 1 of the proc file system mounted at procfs: in a container,
// whose own namespace shows only what is below its cgroup, all cgroups of the host are seen. f runs on a thread of its
// own, which ends with it. Where that namespace may not be entered f runs in the present one, and the first error says
// why (CAP_SYS_PTRACE and CAP_SYS_ADMIN are needed); the second is that of f.
func InHostCgroups(procfs string, f func() error) (entered, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the runtime ends a thread whose goroutine ends so, and with it the namespace.
		runtime.LockOSThread()
		entered = enterCgroups(filepath.Join(procfs, "1", "ns", "cgroup"))
		err = f()
	}()
	<-done
	return entered, err
}

func enterCgroups(path string) error {
	ns, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cgroup namespace of the host: %w", err)
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("cgroup namespace of the host: %s: %w", path, err)
	}
	return nil
}
