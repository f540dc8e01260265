// SPDX-License-Identifier: Apache-2.0

package event

// ArgKind is the type of an [Arg]. Its numbers are those of the members of KprobeArgument.arg.
type ArgKind uint8

// The kinds of arguments, with the fields of [Arg] that hold the value. An ArgNone is encoded as an
// argument without a value.
const (
	ArgNone           ArgKind = 0
	ArgString         ArgKind = 1  // Bytes
	ArgInt            ArgKind = 2  // Int
	ArgSkb            ArgKind = 3  // Detail *Skb
	ArgSize           ArgKind = 4  // Uint
	ArgBytes          ArgKind = 5  // Bytes
	ArgPath           ArgKind = 6  // Bytes, Mount, Flags, Permission or Mode
	ArgFile           ArgKind = 7  // Bytes, Mount, Flags, Permission or Mode
	ArgTruncatedBytes ArgKind = 8  // Bytes, Uint: original size in bytes
	ArgSock           ArgKind = 9  // Detail *Sock
	ArgCred           ArgKind = 10 // Detail *Capabilities
	ArgLong           ArgKind = 11 // Int
	ArgBPFAttr        ArgKind = 12 // Detail *BPFProg
	ArgPerfEvent      ArgKind = 13 // Detail *PerfEvent
	ArgBPFMap         ArgKind = 14 // Detail *BPFMap
	ArgUint           ArgKind = 15 // Uint
	ArgUserNamespace  ArgKind = 16 // Detail *UserNamespace; deprecated in the interface for ArgUserNS
	ArgCapability     ArgKind = 17 // Int: number, Text: name
	ArgProcessCreds   ArgKind = 19 // Detail *Credentials
	ArgUserNS         ArgKind = 20 // Detail *UserNamespace
	ArgModule         ArgKind = 21 // Detail *Module
	ArgKernelCap      ArgKind = 22 // Bytes, or if nil Uint: capability set
	ArgCapInheritable ArgKind = 23 // as ArgKernelCap
	ArgCapPermitted   ArgKind = 24 // as ArgKernelCap
	ArgCapEffective   ArgKind = 25 // as ArgKernelCap
	ArgLinuxBinprm    ArgKind = 26 // Bytes, Flags, Permission or Mode
	ArgNetDev         ArgKind = 27 // Bytes
	ArgBPFCmd         ArgKind = 28 // Int: command number
	ArgSyscallID      ArgKind = 29 // Uint: number, Text: ABI
	ArgSockaddr       ArgKind = 30 // Detail *Sockaddr
	ArgBPFProg        ArgKind = 31 // Detail *BPFProg
	ArgError          ArgKind = 32 // Bytes: message
	ArgSockaddrUn     ArgKind = 33 // Bytes: path, Text: family
)

// Arg is one captured argument, return value or piece of data. [ArgKind] says which fields hold it.
type Arg struct {
	Kind ArgKind
	// Mode is the inode's mode (umode_t) of a path, file or binprm. Permission, if set, overrides it.
	Mode uint16
	// Label is the name that the policy gave the argument.
	Label string
	Int   int64
	Uint  uint64
	// Bytes is text or data of the record. It may be overwritten once the event is encoded.
	Bytes []byte
	Text  string
	// Mount is the mount point of a path, encoded by older agents only.
	Mount string
	// Flags of a path: empty or "unresolvedPathComponents".
	Flags string
	// Permission is the mode as ls -l writes it, "-rw-r--r--".
	Permission string
	// Detail holds what has many fields. A nil Detail, or one that is not of the kind, is encoded empty.
	Detail Detail
}

// Detail is one of the structures that an [Arg] can point to.
type Detail interface{ clone() Detail }
