// SPDX-License-Identifier: Apache-2.0

package workload

import "bytes"

// The lengths of names that are taken for container ids. Ids have 64 characters, but behind a
// runtime's prefix shorter ones are believed too.
const (
	idLen         = 64
	minPrefixedID = 31
)

// prefixes that runtimes put before the id where systemd manages the cgroups.
var prefixes = [][]byte{
	[]byte("cri-containerd-"),
	[]byte("docker-"),
	[]byte("crio-"),
	[]byte("libpod-"),
}

// ContainerID returns the id of the container that a cgroup belongs to, a part of path, or nil if
// it is in none. The path may be that of a cgroup v1 or v2 hierarchy, managed by systemd
// (…/cri-containerd-<id>.scope, …:cri-containerd:<id>) or by the runtime (/kubepods/…/<id>). Cgroups
// that were made inside a container belong to it; of nested containers the innermost counts.
func ContainerID(path []byte) []byte {
	id, _ := containerOf(path)
	return id
}

// containerOf returns also the path of the container's own cgroup, which is path or one above it.
func containerOf(path []byte) (id, own []byte) {
	for len(path) > 0 {
		i := bytes.LastIndexByte(path, '/')
		if id := componentID(path[i+1:]); id != nil {
			return id, path
		}
		path = path[:max(i, 0)]
	}
	return nil, nil
}

func componentID(name []byte) []byte {
	shortest := idLen
	name = bytes.TrimSuffix(name, []byte(".scope"))
	if i := bytes.LastIndexByte(name, ':'); i >= 0 {
		name, shortest = name[i+1:], minPrefixedID
	}
	for _, prefix := range prefixes {
		if rest, found := bytes.CutPrefix(name, prefix); found {
			name, shortest = rest, minPrefixedID
			break
		}
	}
	if len(name) < shortest || len(name) > idLen || !isHex(name) {
		return nil
	}
	return name
}

func isHex(name []byte) bool {
	for _, c := range name {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
