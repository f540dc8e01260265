// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/bpf"
)

// Namespaces are inode numbers of namespaces, in the order of enum vd_namespace. 0 is a kind of
// namespace that the kernel does not have.
type Namespaces [bpf.ContractVdNamespaceVD_NS_COUNT]uint32

// namespaceFiles are the names in /proc/<pid>/ns (namespaces(7)), in the order of enum vd_namespace.
var namespaceFiles = [len(Namespaces{})]string{
	bpf.ContractVdNamespaceVD_NS_UTS:               "uts",
	bpf.ContractVdNamespaceVD_NS_IPC:               "ipc",
	bpf.ContractVdNamespaceVD_NS_MNT:               "mnt",
	bpf.ContractVdNamespaceVD_NS_PID:               "pid",
	bpf.ContractVdNamespaceVD_NS_PID_FOR_CHILDREN:  "pid_for_children",
	bpf.ContractVdNamespaceVD_NS_NET:               "net",
	bpf.ContractVdNamespaceVD_NS_TIME:              "time",
	bpf.ContractVdNamespaceVD_NS_TIME_FOR_CHILDREN: "time_for_children",
	bpf.ContractVdNamespaceVD_NS_CGROUP:            "cgroup",
	bpf.ContractVdNamespaceVD_NS_USER:              "user",
}

// HostNamespaces reads the host's namespaces: those of process 1 of the proc file system mounted at
// procfs, or where these may not be read, those of the calling process. What could be read is
// returned with the error.
func HostNamespaces(procfs string) (Namespaces, error) {
	var host Namespaces
	var errs []error
	for i, name := range namespaceFiles {
		inum, err := readNamespace(procfs, name)
		if err != nil {
			errs = append(errs, err)
		}
		host[i] = inum
	}
	if len(errs) > 0 {
		return host, fmt.Errorf("namespaces of the host: %w", errors.Join(errs...))
	}
	return host, nil
}

func readNamespace(procfs, name string) (uint32, error) {
	inum, err := readLink(filepath.Join(procfs, "1", "ns", name))
	if err == nil {
		return inum, nil
	}
	own, ownErr := readLink(filepath.Join(procfs, "self", "ns", name))
	switch {
	case ownErr == nil:
		return own, nil
	case errors.Is(ownErr, fs.ErrNotExist) && hasDirectory(procfs):
		return 0, nil // the time namespaces came with Linux 5.6
	}
	return 0, fmt.Errorf("%w; and %w", err, ownErr)
}

// hasDirectory tells a kernel without one kind of namespace from a procfs that is none.
func hasDirectory(procfs string) bool {
	_, err := os.Stat(filepath.Join(procfs, "self", "ns"))
	return err == nil
}

// readLink reads a link such as "mnt:[4026531841]".
func readLink(path string) (uint32, error) {
	link, err := os.Readlink(path)
	if err != nil {
		return 0, err
	}
	_, number, _ := strings.Cut(link, ":[")
	number, closed := strings.CutSuffix(number, "]")
	inum, err := strconv.ParseUint(number, 10, 32)
	if !closed || err != nil {
		return 0, fmt.Errorf("link %s: %q is not a namespace", path, link)
	}
	return uint32(inum), nil
}
