// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"slices"

	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// hook is a place that policies of the corpus attach to, with the types that
// each argument can be declared with.
type hook struct {
	at      naive.Hook
	call    string // of kprobes
	args    [][]policy.ArgType
	returns []policy.ArgType // of the return value, none where there is none
}

// isNode reports whether an argument is a pointer to a node.
func isNode(types []policy.ArgType) bool { return types == nil }

var integers = []policy.ArgType{
	policy.TypeInt, policy.TypeSint8, policy.TypeInt8, policy.TypeUint8, policy.TypeSint16, policy.TypeInt16,
	policy.TypeUint16, policy.TypeUint32, policy.TypeSint32, policy.TypeInt32, policy.TypeUlong, policy.TypeUint64,
	policy.TypeSize, policy.TypeLong, policy.TypeSint64, policy.TypeInt64, policy.TypeCapability, policy.TypeBpfCmd,
}

var (
	numbers     = integers
	descriptors = []policy.ArgType{policy.TypeFd, policy.TypeInt, policy.TypeUint32}
	textual     = []policy.ArgType{policy.TypeString}
	buffers     = []policy.ArgType{policy.TypeCharBuf, policy.TypeString}
	files       = []policy.ArgType{policy.TypeFile, policy.TypePath, policy.TypeDentry, policy.TypeKiocb, policy.TypeLinuxBinprm}
	capSets     = []policy.ArgType{policy.TypeKernelCap, policy.TypeCapInheritable, policy.TypeCapPermitted, policy.TypeCapEffective}
	enumerators = []policy.ArgType{policy.TypeCapability, policy.TypeBpfCmd}
	sockets     = []policy.ArgType{policy.TypeSock, policy.TypeSocket}
	packets     = []policy.ArgType{policy.TypeSkb}
	networks    = []policy.ArgType{policy.TypeSockaddr}
	paths       = []policy.ArgType{policy.TypeSockaddrUn}
	names       = []policy.ArgType{policy.TypeNetDevice, policy.TypeFilename}
	vectors     = []policy.ArgType{policy.TypeCharIovec, policy.TypeIovIter}
	arrays      = []policy.ArgType{policy.TypeConstBuf}
	objects     = []policy.ArgType{
		policy.TypeCred, policy.TypeUserNamespace, policy.TypeModule, policy.TypeLoadInfo, policy.TypeBpfAttr,
		policy.TypeBpfMap, policy.TypeBpfProg, policy.TypePerfEvent, policy.TypeNop,
	}
)

// isTold reports whether values of a type are told but never compared: they must not disturb what is.
func isTold(t policy.ArgType) bool {
	return slices.Contains(objects, t) || slices.Contains(vectors, t) || slices.Contains(arrays, t)
}

var rawHooks = []hook{
	{at: naive.Hook{RawTracepoint: "alpha"}, args: [][]policy.ArgType{numbers, numbers, numbers, textual, textual}},
	{at: naive.Hook{RawTracepoint: "beta"}, args: [][]policy.ArgType{numbers, numbers, numbers, textual, textual}},
	{at: naive.Hook{RawTracepoint: "delta"}, args: [][]policy.ArgType{numbers, nil, numbers, networks, paths}},
}

var allHooks = append([]hook{
	{at: naive.Hook{Syscall: "read"}, call: "sys_read", args: [][]policy.ArgType{descriptors, buffers, numbers}, returns: integers},
	{at: naive.Hook{Syscall: "read", Compat: true}, call: "__ia32_sys_read", args: [][]policy.ArgType{descriptors, buffers, numbers}, returns: integers},
	{at: naive.Hook{Syscall: "close"}, call: "__x64_sys_close", args: [][]policy.ArgType{descriptors}, returns: integers},
	{at: naive.Hook{Function: "fd_install"}, call: "fd_install", args: [][]policy.ArgType{numbers, files}},
	{at: naive.Hook{Function: "security_capset"}, call: "security_capset", args: [][]policy.ArgType{capSets, capSets, enumerators, files, names}},
	{at: naive.Hook{Function: "bpf_object"}, call: "bpf_object", args: [][]policy.ArgType{objects, vectors, numbers, objects, names}},
	{at: naive.Hook{Function: "tcp_connect"}, call: "tcp_connect", args: [][]policy.ArgType{sockets, packets, networks, paths}},
	{at: naive.Hook{Tracepoint: "sched/gamma"}, args: [][]policy.ArgType{numbers, {policy.TypeDataLoc}, numbers, {policy.TypeSyscall64}, arrays}},
}, rawHooks...)
