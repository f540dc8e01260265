// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/cri/critest"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/kernel"
)

func podName(n int) string { return fmt.Sprintf("pod-%03d", n) }

func shortID(n int) string { return fmt.Sprintf("%031x%033x", n+1, n+1) }

// mustShortLived runs a container that lives 50 ms: a process with namespaces of its own in the cgroup of a pod,
// which is gone afterwards.
func mustShortLived(tb testing.TB, root string, n int) {
	pod := filepath.Join(root, fmt.Sprintf("pod%032x", n))
	dir := filepath.Join(pod, shortID(n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Error(err)
		return
	}
	cmd := exec.Command("/bin/sh", "-c", `echo 0 >"$1/cgroup.procs" && exec /bin/sleep 0.05`, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Errorf("container %d: %v: %s", n, err, out)
	}
	for _, d := range []string{dir, pod} {
		if err := os.Remove(d); err != nil {
			tb.Error(err)
		}
	}
}

// TestShortLivedContainers has 500 containers that live 50 ms, and a runtime that tells of one only when it is
// asked, and slowly.
func TestShortLivedContainers(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("loads programs into the kernel: not with -short, and as root only")
	}
	const containers = 500
	r := critest.New(t, func(r *critest.Runtime) { r.NoEvents, r.Delay = true, 20*time.Millisecond })
	for n := range containers {
		r.Add(&runtime.ContainerStatus{Id: shortID(n), Metadata: &runtime.ContainerMetadata{Name: "app"}}, "", &runtime.PodSandboxStatus{
			Id: "sandbox" + shortID(n), Metadata: &runtime.PodSandboxMetadata{Name: podName(n), Namespace: "shop", Uid: fmt.Sprintf("%032x", n)},
		})
	}
	var mu sync.Mutex
	seen := make(map[string][]string) // by the beginning of the container's id
	cfg := DefaultConfig()
	cfg.Pods.CRI, cfg.Pods.CRIEndpoint = true, r.Endpoint
	c, err := newCore(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), func(e *event.Event) {
		if e.Process == nil || !strings.HasSuffix(e.Process.Binary, "/sleep") || e.Process.Docker == "" {
			return
		}
		pod := "no pod"
		if e.Process.Pod != nil {
			pod = e.Process.Pod.Name + " " + e.Process.Pod.Container.Name
		}
		mu.Lock()
		defer mu.Unlock()
		seen[e.Process.Docker] = append(seen[e.Process.Docker], strings.TrimPrefix(e.Kind.String(), "PROCESS_")+" "+pod)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	controller, err := kernel.CgroupController()
	if err != nil {
		t.Fatal(err)
	}
	hierarchy, err := kernel.OpenCgroups(controller)
	if err != nil {
		t.Fatal(err)
	}
	defer hierarchy.Close()
	root := fmt.Sprintf("/proc/%d/fd/%d/vedette-%d", os.Getpid(), hierarchy.Fd(), os.Getpid())
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(root)
	var running sync.WaitGroup
	room := make(chan struct{}, 20)
	for n := range containers {
		room <- struct{}{}
		running.Go(func() { mustShortLived(t, root, n); <-room })
	}
	running.Wait()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		events := 0
		for _, of := range seen {
			events += len(of)
		}
		mu.Unlock()
		if events >= 2*containers {
			break
		}
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
	want := make(map[string][]string)
	for n := range containers {
		want[shortID(n)[:31]] = []string{"EXEC " + podName(n) + " app", "EXIT " + podName(n) + " app"}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	t.Logf("held: %+v; lookups: %+v", c.pods.buffer.Stats(), c.pods.runtime.Stats())
}

func TestHookContainer(t *testing.T) {
	id := shortID(1)
	for name, test := range map[string]struct {
		create *tetragon.CreateContainer
		want   container.Container
	}{
		"all told": {&tetragon.CreateContainer{ContainerID: id, ContainerName: "app", ContainerImage: "web:1", PodName: "p", PodNamespace: "n", PodUID: "u"},
			container.Container{ID: id, Name: "app", Image: "web:1", Pod: container.Pod{Name: "p", Namespace: "n", UID: "u"}}},
		"containerd": {&tetragon.CreateContainer{CgroupsPath: "/kubepods/x/" + id, Annotations: map[string]string{
			"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.sandbox-name": "p",
			"io.kubernetes.cri.sandbox-namespace": "n", "io.kubernetes.cri.sandbox-uid": "u", "io.kubernetes.cri.image-name": "web:1"}},
			container.Container{ID: id, Runtime: "containerd", Name: "app", Image: "web:1", Pod: container.Pod{Name: "p", Namespace: "n", UID: "u"}}},
		"CRI-O's sandbox": {&tetragon.CreateContainer{CgroupsPath: "x.slice:crio:" + id, Annotations: map[string]string{
			"io.kubernetes.cri-o.ContainerType": "sandbox", "io.kubernetes.container.name": "POD", "io.kubernetes.pod.name": "p"}},
			container.Container{ID: id, Runtime: "cri-o", Sandbox: true, Pod: container.Pod{Name: "p"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, hookContainer(test.create)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
