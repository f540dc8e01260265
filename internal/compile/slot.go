// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// The sizes of buffers, in bytes.
const (
	// maxBuffer is how much of a buffer is copied without maxData.
	maxBuffer = 4095
	// maxBufferData is how much of a buffer is copied with maxData.
	maxBufferData = MaxBuffer
)

// slotTypes are the argument types that hooks can fetch now.
var slotTypes = map[policy.ArgType]SlotType{
	policy.TypeInt:       TypeS32,
	policy.TypeSint8:     TypeS8,
	policy.TypeInt8:      TypeS8,
	policy.TypeUint8:     TypeU8,
	policy.TypeSint16:    TypeS16,
	policy.TypeInt16:     TypeS16,
	policy.TypeUint16:    TypeU16,
	policy.TypeSint32:    TypeS32,
	policy.TypeInt32:     TypeS32,
	policy.TypeUint32:    TypeU32,
	policy.TypeSint64:    TypeS64,
	policy.TypeInt64:     TypeS64,
	policy.TypeLong:      TypeS64,
	policy.TypeUint64:    TypeU64,
	policy.TypeUlong:     TypeU64,
	policy.TypeSize:      TypeSize,
	policy.TypeString:    TypeString,
	policy.TypeFilename:  TypeFilename,
	policy.TypeFd:        TypeFD,
	policy.TypeFile:      TypeFile,
	policy.TypePath:      TypePath,
	policy.TypeCharBuf:   TypeCharBuf,
	policy.TypeDataLoc:   TypeDataLoc,
	policy.TypeSyscall64: TypeSyscall64,
	policy.TypeNop:       TypeNop,

	policy.TypeSock:           TypeSock,
	policy.TypeSocket:         TypeSocket,
	policy.TypeSkb:            TypeSkb,
	policy.TypeSockaddr:       TypeSockaddr,
	policy.TypeSockaddrUn:     TypeSockaddrUn,
	policy.TypeCred:           TypeCred,
	policy.TypeCapability:     TypeCapability,
	policy.TypeKernelCap:      TypeKernelCap,
	policy.TypeCapInheritable: TypeCapInheritable,
	policy.TypeCapPermitted:   TypeCapPermitted,
	policy.TypeCapEffective:   TypeCapEffective,
	policy.TypeUserNamespace:  TypeUserNS,
	policy.TypeModule:         TypeModule,
	policy.TypeLoadInfo:       TypeLoadInfo,
	policy.TypeLinuxBinprm:    TypeBinprm,
	policy.TypeNetDevice:      TypeNetDevice,
	policy.TypeKiocb:          TypeKiocb,
	policy.TypeConstBuf:       TypeConstBuf,
	policy.TypeBpfCmd:         TypeBPFCmd,
	policy.TypeDentry:         TypeDentry,
	policy.TypeBpfAttr:        TypeBPFAttr,
	policy.TypeBpfMap:         TypeBPFMap,
	policy.TypeBpfProg:        TypeBPFProg,
	policy.TypePerfEvent:      TypePerfEvent,
	policy.TypeIovIter:        TypeIovIter,
	policy.TypeCharIovec:      TypeCharIovec,
}

// IsInteger reports whether values of the type are compared as integers.
func (t SlotType) IsInteger() bool {
	return t >= TypeS8 && t <= TypeSize || t == TypeSyscall64 || t == TypeCapability || t == TypeBPFCmd
}

// IsSigned reports whether the type is a signed integer.
func (t SlotType) IsSigned() bool {
	switch t {
	case TypeS8, TypeS16, TypeS32, TypeS64, TypeCapability, TypeBPFCmd:
		return true
	}
	return false
}

// IsString reports whether values of the type are compared as strings.
func (t SlotType) IsString() bool {
	switch t {
	case TypeString, TypeFilename, TypeCharBuf, TypeDataLoc, TypeNetDevice, TypeSockaddrUn:
		return true
	}
	return t.isPath()
}

// isPath reports whether the type is a kernel object that has a path.
func (t SlotType) isPath() bool {
	switch t {
	case TypeFD, TypeFile, TypePath, TypeBinprm, TypeKiocb, TypeDentry:
		return true
	}
	return false
}

// IsCapSet reports whether the type is a set of capabilities.
func (t SlotType) IsCapSet() bool { return t >= TypeKernelCap && t <= TypeCapEffective }

// isBuffer reports whether the type is bytes whose length is given apart.
func (t SlotType) isBuffer() bool {
	return t == TypeCharBuf || t == TypeIovIter || t == TypeCharIovec
}

// isKernelObject reports whether the value is the address of an object that
// only the kernel has, so that no process may say where it is.
func (t SlotType) isKernelObject() bool {
	switch t {
	case TypeFile, TypePath, TypeFilename, TypeCred, TypeUserNS, TypeModule, TypeLoadInfo, TypeBinprm, TypeNetDevice,
		TypeKiocb, TypeDentry, TypeBPFMap, TypeBPFProg, TypePerfEvent, TypeIovIter, TypeSock, TypeSocket, TypeSkb:
		return true
	}
	return t.IsCapSet()
}

// Width returns the width of an integer type in bytes, and 0 for any other.
func (t SlotType) Width() int {
	switch t {
	case TypeS8, TypeU8:
		return 1
	case TypeS16, TypeU16:
		return 2
	case TypeS32, TypeU32, TypeCapability, TypeBPFCmd:
		return 4
	case TypeS64, TypeU64, TypeSize, TypeSyscall64:
		return 8
	}
	return 0
}

// Extend takes an integer of the type from the low bytes of a register and
// extends it to 64 bits, by its sign where the type is signed.
func (t SlotType) Extend(register uint64) uint64 {
	unused := 64 - 8*t.Width()
	if t.IsSigned() {
		return uint64(int64(register<<unused) >> unused)
	}
	return register << unused >> unused
}

// slotMax returns how many bytes of a value of the type are copied at most.
func slotMax(t SlotType, maxData bool) uint32 {
	switch {
	case t.isBuffer() && !maxData:
		return maxBuffer
	case t.isBuffer():
		return maxBufferData
	case t == TypeSockaddrUn:
		return MaxUnixPath
	case t.IsString():
		return MaxString
	}
	return 0
}
