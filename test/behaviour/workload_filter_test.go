// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
)

// TestMatchWorkloads checks what tells processes of the host from those of containers.
func TestMatchWorkloads(t *testing.T) { matchWorkloads.run(t) }

// inCgroup calls with 5, and again with 6 in a cgroup of that name below its own, and in one within that with 7.
func inCgroup(name string) func(*actor) {
	return func(a *actor) {
		controller, err := kernel.CgroupController()
		a.must(err)
		hierarchy, err := kernel.OpenCgroups(controller)
		a.must(err)
		root := fmt.Sprintf("/proc/self/fd/%d/", hierarchy.Fd())
		outer := root + strings.ReplaceAll(name, "$", fmt.Sprintf("%064x", os.Getpid()))
		a.lseek(5, 0)
		for i, dir := range []string{outer, outer + "/inner.service"} {
			a.must(os.Mkdir(dir, 0o755))
			a.must(os.WriteFile(dir+"/cgroup.procs", []byte("0"), 0))
			a.lseek(6+i, 0)
		}
		a.must(os.WriteFile(root+"cgroup.procs", []byte("0"), 0))
		a.lseek(8, 0)
		a.must(unix.Rmdir(outer + "/inner.service"))
		a.must(unix.Rmdir(outer))
	}
}

const (
	seven    = "sys_lseek(int 7)"
	onlyHost = "matchWorkloads: [{hostSelector: {}}]"
)

var (
	everywhere = []string{five, six, seven, eight}
	outside    = []string{five, eight}
)

var matchWorkloads = register(table{name: "match-workloads", rows: []row{
	{name: "the host", act: inCgroup("user.slice"), want: everywhere, spec: filtered(onlyHost)},
	{name: "docker, systemd", act: inCgroup("docker-$.scope"), want: outside, spec: filtered(onlyHost)},
	{name: "docker, cgroupfs", act: inCgroup("$"), want: outside, spec: filtered(onlyHost)},
	{name: "containerd", act: inCgroup("cri-containerd-$.scope"), want: outside, spec: filtered(onlyHost)},
	{name: "cri-o", act: inCgroup("crio-$.scope"), want: outside, spec: filtered(onlyHost)},
	{name: "podman", act: inCgroup("libpod-$"), want: outside, spec: filtered(onlyHost)},
	{name: "slice, runtime, id", act: inCgroup("kubepods-pod1_2.slice:cri-containerd:$"), want: outside, spec: filtered(onlyHost)},
	{name: "slice, id", act: inCgroup("kubepods-pod1_2.slice:$"), want: outside, spec: filtered(onlyHost)},
	{name: "the monitor of a container", act: inCgroup("libpod-conmon-$.scope"), want: everywhere, spec: filtered(onlyHost)},
	{name: "not hexadecimal", act: inCgroup("docker-g$.scope"), want: everywhere, spec: filtered(onlyHost)},
	{name: "too short", act: inCgroup("docker-123456.scope"), want: everywhere, spec: filtered(onlyHost)},
	{name: "no selector", act: inCgroup("docker-$.scope"), want: everywhere, spec: filtered("matchWorkloads: [{}]")},
	{name: "all selectors, empty", act: inCgroup("docker-$.scope"), want: everywhere,
		spec: filtered("matchWorkloads: [{hostSelector: {}, podSelector: {}, containerSelector: {}}]")},
	{name: "the whole policy", act: inCgroup("docker-$.scope"), want: outside, spec: "hostSelector: {}\n" + filtered("matchPIDs: [{operator: NotIn, values: [1]}]")},
	{name: "the whole policy, without selectors", act: inCgroup("docker-$.scope"), want: outside,
		spec: "hostSelector: {}\nkprobes:\n- call: sys_lseek\n  args: [{index: 0, type: int}]\n"},
}})
