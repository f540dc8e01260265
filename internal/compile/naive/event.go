// SPDX-License-Identifier: Apache-2.0

package naive

// Event is something that happens at a hook.
type Event struct {
	Hook    Hook
	Process Process
	// Args are the arguments by the index that policies give.
	Args map[uint32]Arg
	// Nodes are where the paths of policies lead.
	Nodes []Node
	// Return is the register with the return value.
	Return uint64
}

// Hook is where an event happens: exactly one of the names is set.
type Hook struct {
	Syscall       string // "read"
	Compat        bool   // the system call is a 32-bit one
	Function      string // "fd_install"
	Tracepoint    string // "subsystem/event"
	RawTracepoint string // "event"
}

// Arg is an argument. An index can be declared with several types, so it has
// both a number and a text.
type Arg struct {
	Failed bool
	// Register is the whole register of an integer or descriptor.
	Register uint64
	// Text is the whole text, however long.
	Text string
	// Mode is the mode of a file's inode, 0 where it has none.
	Mode uint32
	// Net is a socket and the like; of an address of the unix family, whose
	// path is Text, it has the family.
	Net *Net
	// Followers are the indexes of the policies that follow the descriptor.
	Followers []int
}

// Image is a process or an earlier one that it descends from: a parent, or
// the same process before it executed something else.
type Image struct {
	PID uint32
	// NSPID is the id in the process's own pid namespace if that is not the
	// host's.
	NSPID       uint32
	InContainer bool // the pid namespace is not the host's
	Binary      string
	// BinaryUnknown says that the path of the binary could not be read.
	BinaryUnknown bool
}

// Process is the process of an event.
type Process struct {
	Image
	// Ancestors begin with the image that the process comes from.
	Ancestors []Image
	InUserNS  bool // the user namespace is not the host's
	// Namespaces are inode numbers by kind, such as "Mnt".
	Namespaces map[string]uint32
	// Capabilities are sets of numbers by type, such as "Effective".
	Capabilities map[string]map[int]bool
	// OldNamespaces and OldCapabilities are those that changes are told
	// against.
	OldNamespaces   map[string]uint32
	OldCapabilities map[string]map[int]bool
	// Contained says that the process is in a container.
	Contained bool
}

// Verdict says that a selector of one entry of one policy acts.
type Verdict struct {
	Policy   int
	Section  string
	Entry    int
	Selector int
	// Returned says whether the return value satisfies the selector too, so
	// that an event that waits for it is posted.
	Returned bool
	// Posted says whether an event is told in the end, Signal which signal is
	// sent when the call returns, 0 for none.
	Posted bool
	Signal uint32
}
