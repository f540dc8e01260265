// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strconv"
)

// Namespace numbers the kinds of namespaces that filters can name, in the
// order of [NamespaceNames].
type Namespace int

// The namespaces of matchNamespaces and matchNamespaceChanges.
const (
	NamespaceUts Namespace = iota
	NamespaceIpc
	NamespaceMnt
	NamespacePid
	NamespacePidForChildren
	NamespaceNet
	NamespaceTime
	NamespaceTimeForChildren
	NamespaceCgroup
	NamespaceUser
)

// NamespaceNames are the names of the namespaces, indexed by [Namespace].
var NamespaceNames = []string{
	"Uts", "Ipc", "Mnt", "Pid", "PidForChildren", "Net", "Time", "TimeForChildren", "Cgroup", "User",
}

// HostNamespace is the value of matchNamespaces that stands for the
// namespace of the host.
const HostNamespace = "host_ns"

// NamespaceIndex returns the namespace with the name.
func NamespaceIndex(name string) (Namespace, error) {
	if i := slices.Index(NamespaceNames, name); i >= 0 {
		return Namespace(i), nil
	}
	return 0, valueError{"unknown namespace " + quote(name), oneOf(name, NamespaceNames)}
}

// ParseNamespaceInode parses a value of matchNamespaces: the inode number of
// a namespace, or host, true for [HostNamespace].
func ParseNamespaceInode(value string) (inode uint32, host bool, err error) {
	if value == HostNamespace {
		return 0, true, nil
	}
	n, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		return 0, false, fmt.Errorf("%s is neither the inode number of a namespace nor %s", quote(value), HostNamespace)
	}
	return uint32(n), false, nil
}
