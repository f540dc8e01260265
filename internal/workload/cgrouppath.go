// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"bytes"
	"path"
	"strings"
)

// PodUID returns the uid of the pod that the kubelet made the cgroup for, or one above it, "" if it made
// none. It names them pod<uid> where it manages cgroups itself, and kubepods-<class>-pod<uid>.slice, with
// underscores for dashes, where systemd does (pkg/kubelet/cm of Kubernetes). What stands before
// "kubepods" is the root that the kubelet was given. The uid of a static pod is the hash of its file.
func PodUID(path []byte) string {
	var uid string
	for component := range bytes.SplitSeq(path, []byte("/")) {
		if found := componentUID(component); found != "" {
			uid = found
		}
	}
	return uid
}

func componentUID(name []byte) string {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[:i] // slice:runtime:id
	}
	name, systemd := bytes.CutSuffix(name, []byte(".slice"))
	if systemd {
		name = name[bytes.LastIndexByte(name, '-')+1:]
	}
	uid, found := bytes.CutPrefix(name, []byte("pod"))
	if !found || !isUID(uid) {
		return ""
	}
	return strings.ReplaceAll(string(uid), "_", "-")
}

// isUID tells a UUID, or the 32 hexadecimal digits of a static pod's hash.
func isUID(uid []byte) bool {
	digits := 0
	for _, c := range uid {
		switch {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			digits++
		case c != '-' && c != '_':
			return false
		}
	}
	return digits == 32
}

// CgroupPaths returns the paths that the cgroup of a container can have whose configuration says cgroupsPath:
// itself where the runtime makes cgroups, and where systemd does and it is slice:prefix:name, that of the
// scope prefix-name.scope in the slice (runc, libcontainer/cgroups/systemd).
func CgroupPaths(cgroupsPath string) []string {
	parts := strings.Split(cgroupsPath, ":")
	if len(parts) != 3 {
		return []string{path.Join("/", cgroupsPath)}
	}
	slice, prefix, name := parts[0], parts[1], parts[2]
	if slice == "" {
		slice = "system.slice"
	}
	scope := name
	if prefix != "" {
		scope = prefix + "-" + name
	}
	return []string{
		path.Join(slicePath(slice), scope+".scope"),
		path.Join("/", cgroupsPath), // a runtime that was told of systemd's, and makes cgroups itself
	}
}

// slicePath returns the path of a slice: a-b.slice is within a.slice (systemd.slice(5)).
func slicePath(slice string) string {
	name, found := strings.CutSuffix(slice, ".slice")
	if !found || strings.ContainsRune(name, '/') {
		return path.Join("/", slice)
	}
	at := "/"
	for i := range len(name) {
		if name[i] == '-' && i > 0 {
			at = path.Join(at, name[:i]+".slice")
		}
	}
	return path.Join(at, slice)
}
