// SPDX-License-Identifier: Apache-2.0

package event

import "github.com/vedette-io/vedette/api/tetragon"

// Process is a process (a thread group) as events show it. A Process that an [Event] points to is not
// changed any more: who changes one makes a new one.
type Process struct {
	// ExecID names the process uniquely: base64 of "node:start:pid".
	ExecID string
	// ParentExecID is the ExecID of the parent.
	ParentExecID string
	// PID is the id of the thread group and TID the thread, both as the host sees them.
	PID, TID uint32
	// UID is the effective user id.
	UID uint32
	// AUID is the audit user id, 4294967295 when unset.
	AUID uint32
	// CWD is the working directory, Binary the executed file, Arguments the rest of the command line.
	CWD, Binary, Arguments string
	// Flags are the names of the process's flags, separated by spaces.
	Flags string
	// StartTime is in nanoseconds since the Unix epoch; 0 is not encoded.
	StartTime int64
	// Docker is the beginning (31 characters) of the container id.
	Docker string
	// Refcnt is how many references the process cache counts, for information only.
	Refcnt uint32
	// InInitTree says whether the process descends from its container's entry point.
	InInitTree bool
	// Absent names the fields above that are not known and therefore not encoded.
	Absent Absent

	// The following are nil or empty unless known and configured.

	// ContainerID is the whole id of the container, and ContainerPID the process's id in the container's
	// pid namespace, 0 if it is not known. They are what Pod is found by and are not encoded.
	ContainerID  string
	ContainerPID uint32
	// Pod is the Kubernetes pod.
	Pod *Pod
	// Caps are the capabilities.
	Caps *Capabilities
	// Creds are all credentials.
	Creds *Credentials
	// Namespaces are the namespaces.
	Namespaces *Namespaces
	// BinaryProperties is set for the process of an exec event only.
	BinaryProperties *BinaryProperties
	// User is the name that belongs to UID.
	User string
	// Env is the environment.
	Env []EnvVar
}

// Absent is a set of fields of [Process] that are otherwise encoded even when zero.
type Absent uint8

// The fields that can be absent from a [Process].
const (
	AbsentPID Absent = 1 << iota
	AbsentTID
	AbsentUID
	AbsentAUID
	AbsentInInitTree
)

// Optional is a value that may be missing.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Some returns an [Optional] that has the value.
func Some[T any](value T) Optional[T] { return Optional[T]{Value: value, Set: true} }

// EnvVar is one environment variable.
type EnvVar struct{ Key, Value string }

// Capabilities are the capability sets of a task. Bit n is the capability number n of
// linux/capability.h.
type Capabilities struct{ Permitted, Effective, Inheritable uint64 }

// Namespace is a Linux namespace, known by its inode number.
type Namespace struct {
	Inum uint32
	// IsHost says whether it is the namespace of the host's init process.
	IsHost bool
}

// Namespaces are the namespaces of a task. A zero one is not encoded.
type Namespaces struct {
	UTS, IPC, Mnt, PID, PIDForChildren, Net, Time, TimeForChildren, Cgroup, User Namespace
}

// UserNamespace is a user namespace.
type UserNamespace struct {
	// Level is its depth, 0 for the initial one.
	Level int32
	// UID and GID are its owner's.
	UID, GID uint32
	// NS is the namespace; a zero one is not encoded.
	NS Namespace
}

// Credentials are the credentials of a task (struct cred of the kernel).
type Credentials struct {
	UID, GID, EUID, EGID, SUID, SGID, FSUID, FSGID uint32
	// SecureBits are the bits of linux/securebits.h.
	SecureBits uint32
	// Caps and UserNS may be nil.
	Caps   *Capabilities
	UserNS *UserNamespace
}

// BinaryProperties says what is special about the binary of an exec.
type BinaryProperties struct {
	// SetUID and SetGID are the ids that the file's mode bits changed to.
	SetUID, SetGID Optional[uint32]
	// PrivilegesChanged says how the exec gained privileges.
	PrivilegesChanged []tetragon.ProcessPrivilegesChanged
	// File is set when the file has no name in any directory.
	File *File
}

// File is an executed file.
type File struct {
	// Inode is its inode number, 0 when unknown.
	Inode uint64
	// Links is the number of its names.
	Links Optional[uint32]
	Path  string
}
