// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"strings"
)

// Types knows the functions of the kernel and the types of their arguments.
type Types interface {
	// Prototype returns what the hook is at: a function, an LSM hook, a raw
	// tracepoint or a system call. The error matches [ErrNotFound] where
	// there is no such thing, and [ErrUndescribed] where there is and nothing
	// is known of its arguments.
	Prototype(HookKey) (*Prototype, error)
	// Resolve goes a path such as a.b[12].c, through pointers and members of
	// anonymous structs, and returns the way and the type of what is at its end.
	Resolve(from Origin, path string) (Way, TypeInfo, error)
	// Register finds a register by its name, such as rax, or edi for its
	// lower half.
	Register(name string) (Register, error)
}

// ErrNotFound is matched by the error of a hook that the kernel does not have.
var ErrNotFound = errors.New("not found")

// ErrUndescribed is matched by the error of a hook of which the kernel does
// not tell what arguments it has.
var ErrUndescribed = errors.New("the arguments are not described")

// Prototype describes a function.
type Prototype struct {
	// Text is the declaration in C.
	Text   string
	Params []TypeInfo
	// Result is what it returns.
	Result TypeInfo
	// Variadic is set where there can be more arguments.
	Variadic bool
}

// TypeKind is what a type is made of.
type TypeKind uint8

// The kinds of types.
const (
	KindOther   TypeKind = iota
	KindInt              // an integer, or what is one in C: bool, enum
	KindPointer          // see TypeInfo.Struct and TypeInfo.Text
	KindStruct           // a struct or union by value
	KindText             // an array of characters
)

// TypeInfo describes a type of the kernel or a program.
type TypeInfo struct {
	// CType is the type in C.
	CType string
	Kind  TypeKind
	// Size is in bytes.
	Size   int
	Signed bool
	// Struct is the name of the struct or union that it is, or points to.
	Struct string
	// Text is set for pointers to characters.
	Text bool
}

// Origin is where a path begins: at what an argument of a hook points to, or
// at a struct whose type is named.
type Origin struct {
	// Hook and Param name the argument, counted from 0.
	Hook  HookKey
	Param uint8
	// Struct, if not empty, is the name of the struct; Module the module of
	// the kernel and File the program that describe it, both empty for the
	// kernel itself.
	Struct, Module, File string
}

// MaxDerefs is how many pointers a way can follow.
const MaxDerefs = 10

// Way is how a value is reached from a pointer. Ways can be compared.
type Way struct {
	// Derefs are how many pointers are read on the way: at most MaxDerefs.
	Derefs uint8
	// Width is the size of the value in bytes, 0 where it is the place
	// itself. What is read is shifted to the left by Left bits and then to
	// the right by Right, by its sign where it is Signed.
	Width, Left, Right uint8
	Signed             bool
	// Offsets are what is added before each read, that of the value
	// included, and Components say which part of the path it is for.
	Offsets    [MaxDerefs + 1]uint32
	Components [MaxDerefs + 1]uint8
}

// Register is where a register is in struct pt_regs, in bytes.
type Register struct {
	Offset uint16
	Width  uint8
}

// SlotFrom says where the value of a slot is from. The numbers are shared
// with bpf/vedette.h (enum vd_slot_from).
type SlotFrom uint8

// The origins of values.
const (
	FromArgument SlotFrom = 0
	FromTask     SlotFrom = 2 // the current task
	FromRegister SlotFrom = 3 // a register as it is at the hook
	FromReturn   SlotFrom = 4 // what the call returns
)

// IsArgument reports whether the value is, or is reached from, an argument
// of the hook.
func (s *Slot) IsArgument() bool { return s.From == FromArgument }

// bare is the type without qualifiers: "char *" for "const char *".
func (t *TypeInfo) bare() string {
	text := strings.TrimPrefix(strings.TrimPrefix(t.CType, "const "), "volatile ")
	return strings.TrimSuffix(strings.TrimSuffix(text, "const"), " ")
}
