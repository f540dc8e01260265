// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/event"
)

const (
	uid     = "2f1e9b7c-9d3a-4c55-8a51-0123456789ab"
	podPath = "/kubepods/burstable/pod" + uid + "/" + id64
)

func TestPodUID(t *testing.T) {
	const static = "0123456789abcdef0123456789abcdef"
	tests := map[string]string{
		podPath: uid,
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2f1e9b7c_9d3a_4c55_8a51_0123456789ab.slice/cri-containerd-" + id64 + ".scope": uid,
		"/kubepods-pod2f1e9b7c_9d3a_4c55_8a51_0123456789ab.slice:cri-containerd:" + id64:                                                              uid,
		"/node.slice/kubepods/pod" + static + "/" + id64:                                                                                              static,
		"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + static + ".slice/crio-" + id64 + ".scope/nested":                               static,
		"/docker/" + id64: "",
		"/podman/pod2f1e9b7c-9d3a-4c55-8a51/" + id64:                         "",
		"/machine.slice/libpod-" + id64 + ".scope":                           "",
		"/kubepods/podxf1e9b7c-9d3a-4c55-8a51-0123456789ab/" + id64:          "",
		"/kubepods/pod" + static + "/" + id64 + "/kubepods/pod" + uid + "/x": uid,
		"": "",
	}
	for path, want := range tests {
		if got := PodUID([]byte(path)); got != want {
			t.Errorf("PodUID(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestCgroupPaths(t *testing.T) {
	tests := map[string]string{
		"/kubepods/pod1/abc":    "/kubepods/pod1/abc",
		"kubepods/pod1/abc":     "/kubepods/pod1/abc",
		":crio:abc":             "/system.slice/crio-abc.scope",
		"a-b-c.slice:docker:id": "/a.slice/a-b.slice/a-b-c.slice/docker-id.scope",
		"machine.slice::id":     "/machine.slice/id.scope",
		"../../x":               "/x",
		"-.slice:x:id":          "/-.slice/x-id.scope",
	}
	for from, want := range tests {
		if got := CgroupPaths(from); got[0] != want {
			t.Errorf("CgroupPaths(%q) = %q, want %q first", from, got, want)
		}
	}
}

// known is a container as a runtime tells of it.
func known(id string) container.Container {
	return container.Container{
		ID: id, Runtime: "containerd", Name: "app", Image: "docker.io/library/web:1", ImageID: "sha256:1", StartTime: time.Unix(7, 5e8),
		Pod: container.Pod{Namespace: "shop", Name: "web-5d4f-x7k2p", UID: uid, Labels: map[string]string{"pod-template-hash": "5d4f"}},
	}
}

func mustPut(tb testing.TB, s *Store, c container.Container) {
	tb.Helper()
	if err := s.Put(tb.Context(), c); err != nil {
		tb.Fatal(err)
	}
}

func TestStoreByRuntime(t *testing.T) {
	s := NewStore(StoreOptions{Sources: true})
	if got := s.Container(7, []byte(podPath)); got != id64 {
		t.Fatalf("container %q", got)
	}
	if !s.Pending(id64) || s.Workload(id64) != nil {
		t.Error("a container of a pod is not waited for")
	}
	if got := <-s.Wanted(); got != id64 {
		t.Errorf("%q is looked up", got)
	}
	before := s.Version()
	mustPut(t, s, known(id64))
	if s.Pending(id64) || s.Version() == before {
		t.Error("a container that is known is still waited for")
	}
	want := &event.Pod{
		Namespace: "shop", Name: "web-5d4f-x7k2p", UID: uid, Workload: "web", WorkloadKind: "Deployment",
		Labels: event.Labels{{Key: "pod-template-hash", Value: "5d4f"}},
		Container: &event.Container{
			ID: "containerd://" + id64, Name: "app", ImageName: "docker.io/library/web:1", ImageID: "sha256:1", StartTime: 7e9, PID: event.Some(uint32(12)),
		},
	}
	if diff := cmp.Diff(want, s.Workload(id64).Pod("/bin/sh", "", 12)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Remove(id64)
	if s.Workload(id64) == nil {
		t.Error("a container that is gone is forgotten at once")
	}
	if got := s.Stats().Containers; got != 0 {
		t.Errorf("%d containers", got)
	}
	s.Container(8, []byte(podPath+"/nested"))
	if got := s.Stats().Containers; got != 0 {
		t.Error("a late record brings a container back that is gone")
	}
}

func TestStoreByAPIServer(t *testing.T) {
	s := NewStore(StoreOptions{Sources: true, Annotations: true})
	s.Container(7, []byte(podPath))
	pod := Pod{
		Pod:        container.Pod{Namespace: "shop", Name: "web", UID: "mirror", Workload: "w", WorkloadKind: "Node", Annotations: map[string]string{"a": "b"}},
		KubeletUID: uid,
		Probes:     map[string][][]string{"app": {{"cat", "/tmp/a b"}}},
	}
	s.PutPod(pod)
	if w := s.Workload(id64); w == nil || w.complete || !s.Pending(id64) {
		t.Errorf("%+v: want the pod, and the container waited for", w)
	}
	pod.Containers = []container.Container{{ID: id64, Name: "app"}}
	s.PutPod(pod)
	if s.Pending(id64) {
		t.Error("the container is still waited for")
	}
	w := s.Workload(id64)
	shown := w.Pod("/usr/bin/cat", `"/tmp/a b"`, 0)
	if shown.UID != "mirror" || shown.Container.Name != "app" || !shown.Container.MaybeExecProbe || shown.Annotations.Map()["a"] != "b" {
		t.Errorf("%+v %+v", shown, shown.Container)
	}
	for _, other := range [][2]string{{"/usr/bin/cat", "/tmp/c"}, {"/usr/bin/zcat", `"/tmp/a b"`}, {"/usr/bin/cat", ""}} {
		if w.Pod(other[0], other[1], 0).Container.MaybeExecProbe {
			t.Errorf("%q counts as a probe", other)
		}
	}
	s.RemovePod(Pod{Pod: container.Pod{UID: "another"}, KubeletUID: uid})
	if s.Stats().Pods != 1 {
		t.Error("a pod went with another one that had its name")
	}
	s.RemovePod(pod)
	if got := s.Stats(); got.Pods != 0 || got.Containers != 0 || s.Workload(id64) == nil {
		t.Errorf("%+v: want nothing but the memory of it", got)
	}
}

func TestStoreTells(t *testing.T) {
	var told []container.Container
	var removed []string
	refuse := errors.New("no room")
	var fail error
	s := NewStore(StoreOptions{
		OnContainer: func(_ context.Context, c container.Container) error { told = append(told, c); return fail },
		OnRemoved:   func(c container.Container) { removed = append(removed, c.ID) },
	})
	c := known(id64)
	mustPut(t, s, c)
	if len(told) != 0 {
		t.Error("a container without a cgroup is told of")
	}
	c.CgroupID, c.CgroupPath = 7, podPath
	fail = refuse
	if err := s.Put(t.Context(), c); !errors.Is(err, refuse) {
		t.Errorf("error %v, want the callback's", err)
	}
	fail = nil
	mustPut(t, s, c)
	mustPut(t, s, c)
	if len(told) != 2 || told[1].Pod.Workload != "web" || told[1].CgroupID != 7 {
		t.Errorf("told %d times, want 2: %+v", len(told), told)
	}
	c.Pod.Labels = map[string]string{"other": "label"}
	mustPut(t, s, c)
	if len(told) != 3 || told[2].Pod.Labels["other"] != "label" {
		t.Errorf("other labels are not told of: %+v", told)
	}
	s.Remove(id64)
	s.Remove(id64)
	if diff := cmp.Diff([]string{id64}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

func TestStoreRunTells(t *testing.T) {
	told := make(chan container.Container, 8)
	s := NewStore(StoreOptions{Sources: true, OnContainer: func(_ context.Context, c container.Container) error {
		told <- c
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	s.PutPod(Pod{Pod: container.Pod{Name: "web", Namespace: "shop", UID: uid}})
	s.Container(7, []byte(podPath))
	if c := <-told; c.CgroupID != 7 || c.CgroupPath != podPath || c.Pod.Name != "web" {
		t.Errorf("told of %+v", c)
	}
	cancel()
	<-done
}

func TestStoreIsBounded(t *testing.T) {
	s := NewStore(StoreOptions{Sources: true, Deleted: 4})
	for i := range maxContainers + 100 {
		s.Container(uint64(i+1), fmt.Appendf(nil, "/kubepods/pod%032x/%064x", i, i))
	}
	for i := range maxPods + 100 {
		s.PutPod(Pod{Pod: container.Pod{Name: "p", UID: fmt.Sprint(i)}})
	}
	got := s.Stats()
	if got.Containers > maxContainers || got.Pods > maxPods || got.Evicted != 200 || got.LookupsDropped == 0 {
		t.Errorf("%+v", got)
	}
	if n := s.gone.Len(); n > 4 {
		t.Errorf("%d containers are remembered that are gone", n)
	}
	if len(s.byPod) > maxContainers {
		t.Errorf("%d pods are indexed", len(s.byPod))
	}
}

func TestStoreRefuses(t *testing.T) {
	s := NewStore(StoreOptions{Sources: true})
	s.Container(7, []byte(podPath))
	s.Refuse(id64)
	if s.Pending(id64) || s.Stats().Refused != 1 {
		t.Error("a container that nobody knows is waited for")
	}
	mustPut(t, s, known(id64))
	if s.Workload(id64) == nil {
		t.Error("a container that was not known stays so")
	}
	if got := s.Container(9, []byte("/docker/"+id64[:62]+"ff")); s.Pending(got) {
		t.Error("a container of no pod is waited for")
	}
}

func TestStoreAllocatesNothingForKnownCgroups(t *testing.T) {
	s := NewStore(StoreOptions{Sources: true})
	path := []byte(podPath)
	s.Container(7, path)
	mustPut(t, s, known(id64))
	if n := testing.AllocsPerRun(100, func() { s.Workload(s.Container(7, path)) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
