// SPDX-License-Identifier: Apache-2.0

package cri

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/vedette-io/vedette/internal/container"
)

// The labels that the kubelet puts on containers (pkg/kubelet/types of Kubernetes).
const (
	labelPodName      = "io.kubernetes.pod.name"
	labelPodNamespace = "io.kubernetes.pod.namespace"
	labelPodUID       = "io.kubernetes.pod.uid"
)

// info is what containerd and CRI-O tell beyond the interface when they are asked for all, as JSON by the
// key "info".
type info struct {
	SandboxID string `json:"sandboxID"` // of both
	// Privileged is CRI-O's, Config containerd's.
	Privileged bool `json:"privileged"`
	Config     struct {
		Linux struct {
			SecurityContext struct {
				Privileged bool `json:"privileged"`
			} `json:"security_context"`
		} `json:"linux"`
	} `json:"config"`
	RuntimeSpec struct {
		Linux struct {
			CgroupsPath string `json:"cgroupsPath"`
		} `json:"linux"`
	} `json:"runtimeSpec"`
}

// inspect returns what the runtime knows of a container, or of the sandbox of a pod.
func (s *Source) inspect(ctx context.Context, id string) (container.Container, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.client.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: id, Verbose: true})
	if status.Code(err) == codes.NotFound {
		return s.inspectSandbox(ctx, id)
	}
	if err != nil {
		return container.Container{}, err
	}
	st := answer.GetStatus()
	if st == nil {
		return container.Container{}, errNoAnswer
	}
	c := container.Container{
		ID: id, Runtime: s.runtimeName(), Name: st.GetMetadata().GetName(), ImageID: st.ImageRef, Image: imageName(st.Image),
		Pod: container.Pod{Name: st.Labels[labelPodName], Namespace: st.Labels[labelPodNamespace], UID: st.Labels[labelPodUID]},
	}
	if st.StartedAt > 0 {
		c.StartTime = time.Unix(0, st.StartedAt)
	}
	// What cannot be read is not known: no other runtime writes it.
	var more info
	_ = json.Unmarshal([]byte(answer.Info["info"]), &more)
	c.Privileged = more.Privileged || more.Config.Linux.SecurityContext.Privileged
	s.addCgroup(&c, more.RuntimeSpec.Linux.CgroupsPath)
	return c, s.addPod(ctx, &c, more.SandboxID)
}

func imageName(spec *runtime.ImageSpec) string {
	if spec.GetUserSpecifiedImage() != "" {
		return spec.UserSpecifiedImage
	}
	return spec.GetImage()
}

// addPod adds the labels and annotations of the pod, which only its sandbox has. A runtime that does not tell
// the sandbox with the container is asked for it.
func (s *Source) addPod(ctx context.Context, c *container.Container, sandbox string) error {
	if sandbox == "" {
		list, err := s.client.ListContainers(ctx, &runtime.ListContainersRequest{Filter: &runtime.ContainerFilter{Id: c.ID}})
		if err != nil {
			return err
		}
		for _, one := range list.Containers {
			sandbox = one.PodSandboxId
		}
	}
	if sandbox == "" {
		return nil
	}
	of, err := s.inspectSandbox(ctx, sandbox)
	if status.Code(err) == codes.NotFound {
		return nil // the container outlived it
	}
	if err == nil {
		c.Pod = of.Pod
	}
	return err
}

func (s *Source) inspectSandbox(ctx context.Context, id string) (container.Container, error) {
	answer, err := s.client.PodSandboxStatus(ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: id, Verbose: true})
	if err != nil {
		return container.Container{}, err
	}
	st := answer.GetStatus()
	if st == nil {
		return container.Container{}, errNoAnswer
	}
	c := container.Container{
		ID: id, Runtime: s.runtimeName(), Sandbox: true, Pod: podOf(st.Metadata, st.Labels, st.Annotations),
	}
	var more info
	_ = json.Unmarshal([]byte(answer.Info["info"]), &more)
	s.addCgroup(&c, more.RuntimeSpec.Linux.CgroupsPath)
	return c, nil
}

func (s *Source) addCgroup(c *container.Container, cgroupsPath string) {
	if cgroupsPath == "" || s.opts.FindCgroup == nil {
		return
	}
	// A container without one has not been started, or has ended.
	if id, path, err := s.opts.FindCgroup(cgroupsPath, c.ID); err == nil {
		c.CgroupID, c.CgroupPath = id, path
	}
}

// podOf returns a pod by what its sandbox says. The kubelet adds labels of its own to the pod's.
func podOf(metadata *runtime.PodSandboxMetadata, labels, annotations map[string]string) container.Pod {
	return container.Pod{
		Name: metadata.GetName(), Namespace: metadata.GetNamespace(), UID: metadata.GetUid(),
		Labels: container.PodLabels(labels), Annotations: annotations,
	}
}
