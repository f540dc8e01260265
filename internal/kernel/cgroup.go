// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
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

// cgroupController reads /proc/cgroups: name, hierarchy, number of cgroups,
// enabled. The kernel prints the controllers in the order of their index
// (kernel/cgroup/cgroup-v1.c, proc_cgroupstats_show); hierarchy 0 is v2.
func cgroupController(r io.Reader) (int32, error) {
	index := map[string]int32{}
	n := int32(0)
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		line := sc.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 {
			return -1, fmt.Errorf("cgroup controllers: line %q", line)
		}
		hierarchy, err := strconv.Atoi(f[1])
		if err != nil {
			return -1, fmt.Errorf("cgroup controllers: line %q: %w", line, err)
		}
		if hierarchy != 0 {
			index[f[0]] = n
		}
		n++
	}
	if err := sc.Err(); err != nil {
		return -1, fmt.Errorf("cgroup controllers: %w", err)
	}
	for _, name := range preferred {
		if i, ok := index[name]; ok {
			return i, nil
		}
	}
	return -1, nil
}
