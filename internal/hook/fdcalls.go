// SPDX-License-Identifier: Apache-2.0

package hook

import "github.com/vedette-io/vedette/internal/syscalls"

// fdCalls are the system calls that return a new descriptor of the calling
// process: where fd_install's equivalent looks. Not among them are calls
// that tell the descriptor by memory of the caller only: pipe, pipe2 and
// socketpair, whose descriptors have no path, and recvmsg and recvmmsg,
// which bring descriptors of others (an fd argument of the call that uses
// the descriptor names its path directly). dup2 and dup3 are not among them
// either: the kernel copies the descriptor without fd_install (do_dup2,
// fs/file.c), and a policy means the same on every kernel.
var fdCalls = []string{
	"open", "openat", "openat2", "creat", "open_by_handle_at", "open_tree",
	"dup", "fcntl", "pidfd_getfd",
	"socket", "accept", "accept4", "memfd_create", "memfd_secret",
}

// fdCallBits is fdCalls as a set of call numbers.
func fdCallBits(abi string) [8]uint64 {
	var bits [8]uint64
	for _, name := range fdCalls {
		if nr, ok := syscalls.Number(abi, name); ok && nr < 512 {
			bits[nr/64] |= 1 << (nr % 64)
		}
	}
	return bits
}
