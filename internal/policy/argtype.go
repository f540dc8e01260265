// SPDX-License-Identifier: Apache-2.0

package policy

// The types of arguments of the policy schema.
const (
	TypeAuto           ArgType = "auto"
	TypeInt            ArgType = "int"
	TypeSint8          ArgType = "sint8"
	TypeInt8           ArgType = "int8"
	TypeUint8          ArgType = "uint8"
	TypeSint16         ArgType = "sint16"
	TypeInt16          ArgType = "int16"
	TypeUint16         ArgType = "uint16"
	TypeUint32         ArgType = "uint32"
	TypeSint32         ArgType = "sint32"
	TypeInt32          ArgType = "int32"
	TypeUlong          ArgType = "ulong"
	TypeUint64         ArgType = "uint64"
	TypeSize           ArgType = "size_t"
	TypeLong           ArgType = "long"
	TypeSint64         ArgType = "sint64"
	TypeInt64          ArgType = "int64"
	TypeCharBuf        ArgType = "char_buf"
	TypeCharIovec      ArgType = "char_iovec"
	TypeSkb            ArgType = "skb"
	TypeSock           ArgType = "sock"
	TypeSockaddr       ArgType = "sockaddr"
	TypeSocket         ArgType = "socket"
	TypeSockaddrUn     ArgType = "sockaddr_un"
	TypeString         ArgType = "string"
	TypeFd             ArgType = "fd"
	TypeFile           ArgType = "file"
	TypeFilename       ArgType = "filename"
	TypePath           ArgType = "path"
	TypeNop            ArgType = "nop"
	TypeBpfAttr        ArgType = "bpf_attr"
	TypePerfEvent      ArgType = "perf_event"
	TypeBpfMap         ArgType = "bpf_map"
	TypeUserNamespace  ArgType = "user_namespace"
	TypeCapability     ArgType = "capability"
	TypeKiocb          ArgType = "kiocb"
	TypeIovIter        ArgType = "iov_iter"
	TypeCred           ArgType = "cred"
	TypeConstBuf       ArgType = "const_buf"
	TypeLoadInfo       ArgType = "load_info"
	TypeModule         ArgType = "module"
	TypeSyscall64      ArgType = "syscall64"
	TypeKernelCap      ArgType = "kernel_cap_t"
	TypeCapInheritable ArgType = "cap_inheritable"
	TypeCapPermitted   ArgType = "cap_permitted"
	TypeCapEffective   ArgType = "cap_effective"
	TypeLinuxBinprm    ArgType = "linux_binprm"
	TypeDataLoc        ArgType = "data_loc"
	TypeNetDevice      ArgType = "net_device"
	TypeBpfCmd         ArgType = "bpf_cmd"
	TypeDentry         ArgType = "dentry"
	TypeBpfProg        ArgType = "bpf_prog"
)

// argTypes are all types of the schema, in its order.
var argTypes = []ArgType{
	TypeAuto, TypeInt, TypeSint8, TypeInt8, TypeUint8, TypeSint16, TypeInt16, TypeUint16, TypeUint32,
	TypeSint32, TypeInt32, TypeUlong, TypeUint64, TypeSize, TypeLong, TypeSint64, TypeInt64,
	TypeCharBuf, TypeCharIovec, TypeSkb, TypeSock, TypeSockaddr, TypeSocket, TypeSockaddrUn,
	TypeString, TypeFd, TypeFile, TypeFilename, TypePath, TypeNop, TypeBpfAttr, TypePerfEvent,
	TypeBpfMap, TypeUserNamespace, TypeCapability, TypeKiocb, TypeIovIter, TypeCred, TypeConstBuf,
	TypeLoadInfo, TypeModule, TypeSyscall64, TypeKernelCap, TypeCapInheritable, TypeCapPermitted,
	TypeCapEffective, TypeLinuxBinprm, TypeDataLoc, TypeNetDevice, TypeBpfCmd, TypeDentry, TypeBpfProg,
}

// argTypeAliases maps other spellings of types to the one that a parsed
// policy holds.
var argTypeAliases = map[ArgType]ArgType{"unsigned long": TypeUlong}

// integerTypes gives the width in bytes and the signedness of the types that
// are compared as integers.
var integerTypes = map[ArgType]struct {
	width  int
	signed bool
}{
	TypeInt: {4, true}, TypeSint8: {1, true}, TypeInt8: {1, true}, TypeUint8: {1, false},
	TypeSint16: {2, true}, TypeInt16: {2, true}, TypeUint16: {2, false}, TypeUint32: {4, false},
	TypeSint32: {4, true}, TypeInt32: {4, true}, TypeUlong: {8, false}, TypeUint64: {8, false},
	TypeSize: {8, false}, TypeLong: {8, true}, TypeSint64: {8, true}, TypeInt64: {8, true},
	TypeSyscall64: {8, false}, TypeBpfCmd: {4, true}, TypeCapability: {4, true},
}

// IsInteger reports whether values of the type are compared as integers.
func (t ArgType) IsInteger() bool {
	_, ok := integerTypes[t]
	return ok
}

// IsSigned reports whether the type is a signed integer.
func (t ArgType) IsSigned() bool { return integerTypes[t].signed }

// Width returns the width of an integer type in bytes, and 0 for any other
// type.
func (t ArgType) Width() int { return integerTypes[t].width }

// IsString reports whether values of the type are compared as strings: text
// in memory, or the path that a kernel object stands for.
func (t ArgType) IsString() bool {
	switch t {
	case TypeString, TypeCharBuf, TypeFilename, TypeDataLoc, TypeNetDevice, TypeSockaddrUn:
		return true
	}
	return t.IsPath()
}

// IsPath reports whether the type is a kernel object that stands for a path.
// Such a value cannot be changed by the calling process.
func (t ArgType) IsPath() bool {
	switch t {
	case TypeFd, TypeFile, TypePath, TypeDentry, TypeLinuxBinprm, TypeKiocb:
		return true
	}
	return false
}

// IsCapabilitySet reports whether the type is a set of capabilities.
func (t ArgType) IsCapabilitySet() bool {
	switch t {
	case TypeKernelCap, TypeCapInheritable, TypeCapPermitted, TypeCapEffective:
		return true
	}
	return false
}

// IsBuffer reports whether the type is a buffer whose length is given apart
// from it, by another argument or by the return value.
func (t ArgType) IsBuffer() bool {
	switch t {
	case TypeCharBuf, TypeCharIovec, TypeIovIter:
		return true
	}
	return false
}

// isUserMemory reports whether an argument of the type, given to a system
// call, is read from memory that the caller can still change.
func (t ArgType) isUserMemory() bool {
	switch t {
	case TypeString, TypeCharBuf, TypeCharIovec, TypeFilename, TypeSockaddr, TypeSockaddrUn:
		return true
	}
	return false
}
