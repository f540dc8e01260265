// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// CgroupController says which hierarchy names the containers: -1 for cgroup
// v2, otherwise the index in css_set.subsys of the v1 controller that is
// mounted (also on hybrid machines, where the unified hierarchy has no
// controllers).
func CgroupController() (int32, error) {
	f, err := os.Open("/proc/cgroups")
	if err != nil {
		return -1, fmt.Errorf("cgroup controllers: %w", err)
	}
	defer f.Close()
	return cgroupController(f)
}

// preferred are the v1 controllers that every container runtime uses.
var preferred = []string{"memory", "pids", "cpuset"}

// cgroupController finds the index of the controller.
func cgroupController(r io.Reader) (int32, error) {
	all, err := controllers(r)
	if err != nil {
		return -1, err
	}
	for _, name := range preferred {
		i := slices.IndexFunc(all, func(c controller) bool { return c.name == name && c.hierarchy != 0 })
		if i >= 0 {
			return int32(i), nil
		}
	}
	return -1, nil
}

// controller is a controller of cgroups; hierarchy 0 is v2.
type controller struct {
	name      string
	hierarchy int
}

// controllers reads /proc/cgroups: name, hierarchy, number of cgroups,
// enabled. The kernel prints the controllers in the order of their index
// (kernel/cgroup/cgroup-v1.c, proc_cgroupstats_show).
func controllers(r io.Reader) ([]controller, error) {
	var all []controller
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		line := sc.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 {
			return nil, fmt.Errorf("cgroup controllers: line %q", line)
		}
		hierarchy, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("cgroup controllers: line %q: %w", line, err)
		}
		all = append(all, controller{f[0], hierarchy})
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("cgroup controllers: %w", err)
	}
	return all, nil
}

// OpenCgroups opens the directory of a hierarchy of cgroups, that of a
// controller as [CgroupController] returns it. It needs no place where the
// hierarchy is mounted. The caller closes it.
func OpenCgroups(index int32) (*os.File, error) {
	if index < 0 {
		return mount("cgroup2")
	}
	f, err := os.Open("/proc/cgroups")
	if err != nil {
		return nil, fmt.Errorf("cgroups: %w", err)
	}
	defer f.Close()
	all, err := controllers(f)
	if err != nil {
		return nil, err
	}
	if int(index) >= len(all) {
		return nil, fmt.Errorf("cgroups: there is no controller %d", index)
	}
	return mount("cgroup", all[index].name)
}

// Cgroups calls f with the id of every cgroup below the directory of a
// hierarchy, and its path from there, which begins with a slash. A cgroup's
// id is the inode number of its directory (fs/kernfs/inode.c,
// kernfs_init_inode). What goes away meanwhile is left out.
func Cgroups(hierarchy *os.File, f func(id uint64, path string) error) error {
	root := os.DirFS(fmt.Sprintf("/proc/self/fd/%d", hierarchy.Fd()))
	return fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			return nil
		}
		var info fs.FileInfo
		if err == nil {
			info, err = entry.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV):
			return fs.SkipDir
		case err != nil:
			return fmt.Errorf("cgroups: %w", err)
		case path == ".":
			return nil
		}
		return f(info.Sys().(*syscall.Stat_t).Ino, "/"+path)
	})
}
