// SPDX-License-Identifier: Apache-2.0

package process

import (
	"strings"
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/workload"
)

var (
	containerID = strings.Repeat("ab", 32)
	podCgroup   = []byte("/kubepods/pod" + strings.Repeat("0", 32) + "/" + containerID)
)

// podTree returns a tree whose host has mount namespace 1, and its store.
func podTree() (*Tree, *workload.Store) {
	store := workload.NewStore(workload.StoreOptions{Sources: true})
	return newTree(func(o *Options) {
		o.Resolver = store
		o.HostNamespaces[bpf.ContractVdNamespaceVD_NS_MNT] = 1
	}), store
}

func mustPut(tb testing.TB, store *workload.Store, pod string) {
	tb.Helper()
	err := store.Put(tb.Context(), container.Container{ID: containerID, Name: "app", Pod: container.Pod{Name: pod, UID: "u"}})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestPodOfExecAndFork(t *testing.T) {
	tree, store := podTree()
	mustPut(t, store, "web")
	e := exec(pid(1, 0), pid(10, 1), "/bin/x")
	e.CgroupId, e.Cgroup, e.Nspid = 7, podCgroup, 1
	info := tree.Info(tree.Exec(e))
	if info.Docker != containerID[:31] || info.Pod == nil || info.Pod.Name != "web" || info.Pod.Container.PID.Value != 1 {
		t.Errorf("docker %q, pod %+v", info.Docker, info.Pod)
	}
	f := fork(pid(10, 1), pid(11, 2))
	f.Nspid = 5
	child := tree.Info(tree.Fork(f))
	if child.Docker != info.Docker || child.Pod == nil || child.Pod.Container.PID.Value != 5 || info.Pod.Container.PID.Value != 1 {
		t.Errorf("the forked process shows docker %q, pod %+v", child.Docker, child.Pod)
	}
}

func TestPodBecomesKnown(t *testing.T) {
	tree, store := podTree()
	e := exec(pid(1, 0), pid(10, 1), "/bin/x")
	e.CgroupId, e.Cgroup = 7, podCgroup
	p := tree.Exec(e)
	first := tree.Info(p)
	if first.Pod != nil {
		t.Fatal("the pod is known already")
	}
	mustPut(t, store, "web")
	second := tree.Info(p)
	if first.Pod != nil || second.Pod == nil || second.Pod.Name != "web" {
		t.Errorf("first %+v, then %+v", first.Pod, second.Pod)
	}
	if tree.Info(p) != second {
		t.Error("nothing is new, but the process shows something else")
	}
}

func TestHostProcessesInAContainersCgroup(t *testing.T) {
	tree, store := podTree()
	mustPut(t, store, "web")
	const mnt = bpf.ContractVdNamespaceVD_NS_MNT
	in := func(id, parent uint64, ns uint32, flags bpf.ContractVdProcessFlags) string {
		e := exec(pid(parent, uint32(parent)), pid(id, uint32(id)), "/bin/x")
		e.CgroupId, e.Cgroup, e.Ns[mnt], e.ProcessFlags = 7, podCgroup, ns, uint32(flags)
		info := tree.Info(tree.Exec(e))
		if info.Docker != containerID[:31] {
			t.Errorf("process %d shows docker %q", id, info.Docker)
		}
		if info.Pod == nil {
			return ""
		}
		return info.Pod.Name
	}
	tree.Exec(exec(pid(0, 0), pid(2, 2), "/sbin/init"))
	if got := in(10, 2, 1, 0); got != "" {
		t.Errorf("a host process in the cgroup has pod %q", got)
	}
	if got := in(11, 10, 1, 0); got != "" {
		t.Errorf("its child has pod %q", got)
	}
	if got := in(12, 10, 2, bpf.ContractVdProcessFlagsVD_PROCESS_IN_INIT_TREE); got != "web" {
		t.Errorf("the container that it becomes has pod %q", got)
	}
	if got := in(13, 2, 2, 0); got != "web" {
		t.Errorf("an exec into the container has pod %q", got)
	}
	if got := in(14, 13, 1, 0); got != "web" {
		t.Errorf("what breaks out of the container has pod %q", got)
	}
	if got := in(15, 12, 1, bpf.ContractVdProcessFlagsVD_PROCESS_IN_INIT_TREE); got != "web" {
		t.Errorf("what breaks out of the container has pod %q", got)
	}
}
