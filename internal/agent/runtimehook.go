// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/container"
	"github.com/vedette-io/vedette/internal/workload"
)

// runtimeHook takes what a hook of the container runtime tells of a container before it starts. When it returns
// the container is known.
func (p *pods) runtimeHook(ctx context.Context, request *tetragon.RuntimeHookRequest) error {
	create := request.GetCreateContainer()
	if create == nil {
		return status.Error(codes.InvalidArgument, "runtime hook: there is no createContainer in the request")
	}
	c := hookContainer(create)
	if c.ID == "" {
		return status.Error(codes.InvalidArgument, "runtime hook: the container has no id")
	}
	if create.CgroupsPath != "" {
		// Without a cgroup the container is being created: it is known by its id.
		if id, path, err := p.findCgroup(create.CgroupsPath, c.ID); err == nil {
			c.CgroupID, c.CgroupPath = id, path
		}
	}
	if err := p.store.Put(ctx, c); err != nil {
		return status.Errorf(codes.Internal, "runtime hook: container %s: %v", c.ID, err)
	}
	return nil
}

// hookContainer returns the container of a request. What is not told itself may be in the annotations that
// containerd (pkg/cri/annotations) and CRI-O (pkg/annotations) put into the configuration.
func hookContainer(create *tetragon.CreateContainer) container.Container {
	annotation := func(names ...string) string {
		for _, name := range names {
			if value := create.Annotations[name]; value != "" {
				return value
			}
		}
		return ""
	}
	c := container.Container{
		ID:    cmp.Or(create.ContainerID, string(workload.ContainerID([]byte(create.CgroupsPath)))),
		Name:  cmp.Or(create.ContainerName, annotation("io.kubernetes.cri.container-name", "io.kubernetes.container.name")),
		Image: cmp.Or(create.ContainerImage, annotation("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName")),
		Pod: container.Pod{
			Name:      cmp.Or(create.PodName, annotation("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name")),
			Namespace: cmp.Or(create.PodNamespace, annotation("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace")),
			UID:       cmp.Or(create.PodUID, annotation("io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid")),
		},
	}
	if annotation("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType") == "sandbox" {
		c.Sandbox, c.Name = true, ""
	}
	switch {
	case annotation("io.kubernetes.cri.container-type") != "":
		c.Runtime = "containerd"
	case annotation("io.kubernetes.cri-o.ContainerType") != "":
		c.Runtime = "cri-o"
	}
	return c
}
