// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/workload"
)

// apiServer serves lists of pods and nodes, and what changes afterwards.
type apiServer struct {
	tb      testing.TB
	changes chan map[string]any // of pods

	mu       sync.Mutex
	pods     []corev1.Pod
	selected map[string]bool
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.mu.Lock()
	s.selected[r.URL.Path+"?"+query.Get("fieldSelector")] = true
	pods := s.pods
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case query.Get("sendInitialEvents") != "":
		http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","code":400}`, http.StatusBadRequest)
	case query.Get("watch") != "":
		s.watch(w, r)
	case r.URL.Path == "/api/v1/pods":
		s.write(w, &corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: pods})
	default:
		s.write(w, &corev1.NodeList{TypeMeta: metav1.TypeMeta{Kind: "NodeList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"},
			Items: []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{"zone": "a"}}}}})
	}
}

func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	w.(http.Flusher).Flush()
	var changes <-chan map[string]any
	if r.URL.Path == "/api/v1/pods" {
		changes = s.changes
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case change := <-changes:
			if change == nil {
				return // the server ends the watch
			}
			s.write(w, change)
			w.(http.Flusher).Flush()
		}
	}
}

func (s *apiServer) write(w io.Writer, object any) {
	if err := json.NewEncoder(w).Encode(object); err != nil {
		s.tb.Error(err)
	}
}

// store keeps what it is told.
type store struct{ put, removed chan workload.Pod }

func (s store) PutPod(p workload.Pod)    { s.put <- p }
func (s store) RemovePod(p workload.Pod) { s.removed <- p }

func pod(name, version string) corev1.Pod {
	yes := true
	return corev1.Pod{
		TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "shop", UID: "u", ResourceVersion: version, Labels: map[string]string{"pod-template-hash": "5d4f"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-5d4f", Controller: &yes}},
		},
	}
}

func TestWatch(t *testing.T) {
	api := &apiServer{tb: t, changes: make(chan map[string]any), pods: []corev1.Pod{pod("a", "1")}, selected: make(map[string]bool)}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	s := store{make(chan workload.Pod, 8), make(chan workload.Pod, 8)}
	labels := make(chan map[string]string, 8)
	w, err := New(Options{
		Config: &rest.Config{Host: server.URL}, Node: "n1", Store: s, NodeLabels: func(l map[string]string) { labels <- l },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	if got := <-s.put; got.Name != "a" || got.Namespace != "shop" || got.Workload != "web" || got.WorkloadKind != "Deployment" {
		t.Errorf("told of %+v", got)
	}
	if got := <-labels; got["zone"] != "a" {
		t.Errorf("labels of the node %v", got)
	}
	b := pod("b", "2")
	api.changes <- map[string]any{"type": "ADDED", "object": &b}
	if got := <-s.put; got.Name != "b" {
		t.Errorf("told of %+v", got)
	}
	b.ResourceVersion = "3"
	api.changes <- map[string]any{"type": "DELETED", "object": &b}
	if got := <-s.removed; got.Name != "b" {
		t.Errorf("told that %+v is gone", got)
	}
	api.changes <- nil // the API server is away for a moment
	c := pod("c", "4")
	api.changes <- map[string]any{"type": "ADDED", "object": &c}
	if got := <-s.put; got.Name != "c" {
		t.Errorf("told of %+v", got)
	}
	cancel()
	<-done
	api.mu.Lock()
	defer api.mu.Unlock()
	if diff := cmp.Diff(map[string]bool{"/api/v1/pods?spec.nodeName=n1": true, "/api/v1/nodes?metadata.name=n1": true}, api.selected); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestPodOf(t *testing.T) {
	yes := true
	when := metav1.Unix(7, 0)
	from := pod("etcd-n1", "1")
	from.OwnerReferences = nil
	from.Annotations = map[string]string{"kubernetes.io/config.mirror": "h", "kubernetes.io/config.hash": "h"}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"cat", "/ready"}}}}
	from.Spec.InitContainers = []corev1.Container{{Name: "init"}}
	from.Spec.Containers = []corev1.Container{{Name: "app", ReadinessProbe: probe, SecurityContext: &corev1.SecurityContext{Privileged: &yes}}}
	from.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}}
	from.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", ContainerID: "containerd://1",
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: when}}}}
	from.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", ContainerID: "containerd://2", Image: "web", ImageID: "web@sha256:1",
		State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: when}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ContainerID: "containerd://0"}}}}
	from.Status.EphemeralContainerStatuses = []corev1.ContainerStatus{{Name: "debug", ContainerID: "containerd://3"}, {Name: "waits"}}
	got := podOf(&from)
	ids := map[string]string{}
	for _, c := range got.Containers {
		ids[c.ID] = c.Name
	}
	if diff := cmp.Diff(map[string]string{"0": "app", "1": "init", "2": "app", "3": "debug"}, ids); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	app := container.Container{ID: "2", Runtime: "containerd", Name: "app", Image: "web", ImageID: "web@sha256:1", StartTime: when.Time, Privileged: true}
	if diff := cmp.Diff(app, got.Containers[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.KubeletUID != "h" || got.WorkloadKind != "Pod" || !cmp.Equal(got.Probes["app"], [][]string{{"cat", "/ready"}}) {
		t.Errorf("%+v", got)
	}
}
