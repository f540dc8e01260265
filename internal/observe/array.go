// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"encoding/binary"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// elementSigned marks the size of signed elements of an array (VD_ELEMENT_SIGNED, bpf/vedette.h).
const elementSigned = 256

// appendElements appends the elements of an array as arguments of their own, and an array of characters
// as a text.
func appendElements(args []event.Arg, v *record.Value) []event.Arg {
	size, signed := int(v.Num&^elementSigned), v.Num&elementSigned != 0
	if size == 1 {
		text, _, _ := bytes.Cut(v.Content, []byte{0})
		return append(args, event.Arg{Kind: event.ArgString, Bytes: text})
	}
	for rest := v.Content; size > 0 && len(rest) >= size; rest = rest[size:] {
		args = append(args, elementArg(rest[:size], signed))
	}
	return args
}

// elementArg returns the argument of one element. Those of 8 bytes are sizes, signed or not, as existing
// clients know them.
func elementArg(b []byte, signed bool) event.Arg {
	switch {
	case len(b) == 2 && signed:
		return event.Arg{Kind: event.ArgInt, Int: int64(int16(binary.NativeEndian.Uint16(b)))}
	case len(b) == 2:
		return event.Arg{Kind: event.ArgUint, Uint: uint64(binary.NativeEndian.Uint16(b))}
	case len(b) == 4 && signed:
		return event.Arg{Kind: event.ArgInt, Int: int64(int32(binary.NativeEndian.Uint32(b)))}
	case len(b) == 4:
		return event.Arg{Kind: event.ArgUint, Uint: uint64(binary.NativeEndian.Uint32(b))}
	case len(b) == 8:
		return event.Arg{Kind: event.ArgSize, Uint: binary.NativeEndian.Uint64(b)}
	}
	return event.Arg{Kind: event.ArgNone}
}
