// SPDX-License-Identifier: Apache-2.0

package local

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hierarchies are the directories below which hierarchies of cgroups are mounted, v1 and v2.
func hierarchies() ([]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			found = append(found, fields[1])
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no hierarchy of cgroups is mounted")
	}
	return found, nil
}

// makeCgroup makes the cgroup in every hierarchy, ready to take processes.
func makeCgroup(path string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := makeCgroupBelow(root, path); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

// makeCgroupBelow makes each directory of the path. A cpuset takes no process before it has CPUs and memory.
func makeCgroupBelow(root, path string) error {
	at := root
	for part := range strings.SplitSeq(path, "/") {
		at = filepath.Join(at, part)
		if err := os.Mkdir(at, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			all, err := os.ReadFile(filepath.Join(root, name))
			if err != nil { // another controller's hierarchy
				continue
			}
			if err := os.WriteFile(filepath.Join(at, name), all, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinCgroup moves a process, 0 for the calling one, into the cgroup in the hierarchies whose limits and
// lists of processes matter here.
func joinCgroup(path string, pid int) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if name := filepath.Base(root); name != "memory" && name != "pids" && len(roots) > 1 {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

// processes are the ids of the processes in a cgroup and those below it.
func processes(path string) ([]int, error) {
	roots, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var all []int
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join(root, path), func(at string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Base(at) == "cgroup.procs" {
				all = append(all, processesIn(at)...)
			}
			return nil // what goes away meanwhile has no processes
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func processesIn(file string) []int {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var pids []int
	for word := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endCgroup ends every process in a cgroup, with the first signal and a second later with SIGKILL, and
// removes the cgroup.
func endCgroup(path string, first unix.Signal) error {
	for try, signal := 0, first; ; try++ {
		pids, err := processes(path)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return removeCgroup(path)
		}
		if try == 10 {
			signal = unix.SIGKILL
		}
		if try == 100 {
			return fmt.Errorf("cgroup %s: processes %v do not end", path, pids)
		}
		if try == 0 || signal == unix.SIGKILL {
			for _, pid := range pids {
				_ = unix.Kill(pid, signal) // gone already, or seen again in the next round
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// removeCgroup removes the cgroup and those below it. Those that a stopped node leaves would cost the next
// start of its kubelet three seconds each.
func removeCgroup(path string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	var errs []error
	for _, root := range roots {
		var dirs []string
		err := filepath.WalkDir(filepath.Join(root, path), func(at string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, at)
			}
			return nil // it is gone
		})
		errs = append(errs, err)
		for _, at := range slices.Backward(dirs) {
			if err := unix.Rmdir(at); err != nil && !errors.Is(err, unix.ENOENT) {
				errs = append(errs, fmt.Errorf("remove cgroup %s: %w", at, err))
			}
		}
	}
	return errors.Join(errs...)
}
