// SPDX-License-Identifier: Apache-2.0

package compile

import "github.com/vedette-io/vedette/internal/policy"

// The sizes of buffers, in bytes.
const (
	// maxBuffer is how much of a char_buf is copied without maxData.
	maxBuffer = 4095
	// maxBufferData is how much of a char_buf is copied with maxData.
	maxBufferData = 4096
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

	policy.TypeSock:       TypeSock,
	policy.TypeSocket:     TypeSocket,
	policy.TypeSkb:        TypeSkb,
	policy.TypeSockaddr:   TypeSockaddr,
	policy.TypeSockaddrUn: TypeSockaddrUn,
}

// IsInteger reports whether values of the type are compared as integers.
func (t SlotType) IsInteger() bool {
	return t >= TypeS8 && t <= TypeSize || t == TypeSyscall64
}

// IsSigned reports whether the type is a signed integer.
func (t SlotType) IsSigned() bool {
	switch t {
	case TypeS8, TypeS16, TypeS32, TypeS64:
		return true
	}
	return false
}

// IsString reports whether values of the type are compared as strings.
func (t SlotType) IsString() bool {
	return t >= TypeString && t <= TypeDataLoc || t == TypeSockaddrUn
}

// isPath reports whether the type is a kernel object that has a path.
func (t SlotType) isPath() bool { return t == TypeFD || t == TypeFile || t == TypePath }

// Width returns the width of an integer type in bytes, and 0 for any other.
func (t SlotType) Width() int {
	switch t {
	case TypeS8, TypeU8:
		return 1
	case TypeS16, TypeU16:
		return 2
	case TypeS32, TypeU32:
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
	case t == TypeCharBuf && !maxData:
		return maxBuffer
	case t == TypeCharBuf:
		return maxBufferData
	case t == TypeSockaddrUn:
		return MaxUnixPath
	case t.IsString():
		return MaxString
	}
	return 0
}
