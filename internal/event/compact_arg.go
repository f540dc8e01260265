// SPDX-License-Identifier: Apache-2.0

package event

import (
	"net/netip"
	"strconv"
)

// firstOf returns the first argument of the kind, nil when there is none. Arguments are found by kind
// and not by position, because a policy may leave out those that a line does not need.
func firstOf(h *Hook, kind ArgKind) *Arg {
	for i := range h.Args {
		if h.Args[i].Kind == kind {
			return &h.Args[i]
		}
	}
	return nil
}

// firstFile returns the first argument that names a file, nil when there is none.
func firstFile(h *Hook) *Arg {
	for i := range h.Args {
		switch h.Args[i].Kind {
		case ArgFile, ArgPath, ArgLinuxBinprm, ArgString:
			return &h.Args[i]
		}
	}
	return nil
}

// firstDetail returns the first Detail of the type among the arguments, nil when there is none.
func firstDetail[T any](h *Hook) *T {
	for i := range h.Args {
		if d := detail[T](&h.Args[i]); d != nil {
			return d
		}
	}
	return nil
}

// integer returns the value of a numeric argument of any width.
func (a *Arg) integer() int64 {
	switch a.Kind {
	case ArgInt, ArgLong:
		return a.Int
	case ArgUint, ArgSize, ArgSyscallID:
		return int64(a.Uint)
	default:
		return -1
	}
}

func (l line) address(addr netip.Addr, port uint16) line {
	if addr.IsValid() {
		l.dst = addr.WithZone("").AppendTo(l.dst)
	}
	l.dst = append(l.dst, ':')
	l.dst = strconv.AppendUint(l.dst, uint64(port), 10)
	return l
}
