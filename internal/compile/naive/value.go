// SPDX-License-Identifier: Apache-2.0

package naive

import (
	"math/big"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// arg evaluates one entry of matchArgs.
func (w *world) arg(f *policy.ArgFilter) bool {
	if f.Operator == policy.OpCelExpr {
		return w.expressions(f.Values)
	}
	if f.Operator == policy.OpCapabilitiesGained {
		return w.gained(f)
	}
	declared := w.declared(f)
	return w.satisfies(&declared, f)
}

// datum evaluates one entry of matchData.
func (w *world) datum(f *policy.ArgFilter) bool { return w.satisfies(&w.data[f.Index], f) }

// satisfies evaluates a filter on a declared value.
func (w *world) satisfies(declared *policy.Arg, f *policy.ArgFilter) bool {
	value := w.value(declared)
	if value.Failed {
		return false
	}
	if positive(f.Operator) == policy.OpFileType {
		return fileType(value.Mode, f)
	}
	switch declared.Type {
	case policy.TypeKernelCap, policy.TypeCapInheritable, policy.TypeCapPermitted, policy.TypeCapEffective:
		return capabilitySet(value.Register, f)
	case policy.TypeFd, policy.TypeFile, policy.TypePath, policy.TypeDentry, policy.TypeKiocb, policy.TypeLinuxBinprm:
		// A pipe or socket has no path; nothing can be said about it.
		return value.Text != "" && text(value.Text, 4096, f)
	case policy.TypeSock, policy.TypeSocket, policy.TypeSkb, policy.TypeSockaddr:
		return network(declared.Type, value.Net, f)
	case policy.TypeSockaddrUn:
		if f.Operator == policy.OpFamily {
			return among(value.Net.Family, f.Values)
		}
		return value.Net.Family == numbersOf["AF_UNIX"] && text(value.Text, 108, f)
	case policy.TypeString, policy.TypeFilename, policy.TypeDataLoc, policy.TypeNetDevice:
		return text(value.Text, 4096, f)
	case policy.TypeAuto:
		if strings.HasSuffix(declared.Resolve, "text") {
			return text(value.Text, 4096, f)
		}
	case policy.TypeCharBuf:
		limit := 4095
		if declared.MaxData {
			limit = 4096
		}
		return text(value.Text, limit, f)
	}
	return number(w.integer(declared), value.Register, f.Operator, f.Values)
}

// integer is the type of an integer; auto is for fields of nodes, and all of
// their bits count.
func (w *world) integer(declared *policy.Arg) policy.ArgType {
	switch {
	case declared.Type != policy.TypeAuto:
		return declared.Type
	case strings.HasSuffix(declared.Resolve, "wide"):
		return policy.TypeInt64
	}
	return policy.TypeUint32
}

// declared returns the argument that the filter is about.
func (w *world) declared(f *policy.ArgFilter) policy.Arg {
	if len(f.Args) > 0 {
		return w.args[f.Args[0]]
	}
	for _, a := range w.args {
		if a.Index == f.Index {
			return a
		}
	}
	panic("naive: filter on an argument that is not declared")
}

// text evaluates a filter on a text of which limit bytes are read.
func text(s string, limit int, f *policy.ArgFilter) bool {
	op := positive(f.Operator)
	if op == policy.OpPostfix && len(s) > limit {
		return false // the end was not read
	}
	if len(s) > limit {
		s = s[:limit] + "\xff" // longer than any value
	}
	found := false
	for _, v := range f.Values {
		found = found || compare(op, s, strings.TrimRight(v, "\x00"))
	}
	return found != (op != f.Operator)
}

// compare evaluates an operator on strings with one value.
func compare(op policy.Operator, s, value string) bool {
	switch op {
	case policy.OpEqual, policy.OpIn:
		return s == value
	case policy.OpPrefix:
		return strings.HasPrefix(s, value)
	case policy.OpPostfix:
		return strings.HasSuffix(s, value)
	case policy.OpSubString:
		return strings.Contains(s, value)
	case policy.OpSubStringIgnCase:
		return strings.Contains(folded(s), folded(value))
	}
	panic("naive: no operator on strings: " + string(op))
}

// folded returns the text with its ASCII letters small.
func folded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ", s[i]) >= 0 {
			b.WriteByte(s[i] | 0x20)
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// widths are the widths of the types of integers, in bits, negative for
// signed ones.
var widths = map[policy.ArgType]int{
	policy.TypeInt: -32, policy.TypeSint32: -32, policy.TypeInt32: -32, policy.TypeUint32: 32,
	policy.TypeSint16: -16, policy.TypeInt16: -16, policy.TypeUint16: 16,
	policy.TypeSint8: -8, policy.TypeInt8: -8, policy.TypeUint8: 8,
	policy.TypeSint64: -64, policy.TypeInt64: -64, policy.TypeLong: -64,
	policy.TypeUint64: 64, policy.TypeUlong: 64, policy.TypeSize: 64, policy.TypeSyscall64: 64,
	policy.TypeCapability: -32, policy.TypeBpfCmd: -32,
}

// bits returns the low bits of an integer as a non-negative one.
func bits(n *big.Int, width int) *big.Int {
	mask := new(big.Int).Lsh(big.NewInt(1), uint(width))
	return new(big.Int).And(n, mask.Sub(mask, big.NewInt(1)))
}

// narrow returns the value of a register as the type sees it.
func narrow(t policy.ArgType, register uint64) *big.Int {
	width := widths[t]
	n := new(big.Int).SetUint64(register)
	if width > 0 {
		return bits(n, width)
	}
	n = bits(n, -width)
	if n.Bit(-width-1) == 1 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(-width)))
	}
	return n
}

// number evaluates a filter on an integer.
func number(t policy.ArgType, register uint64, operator policy.Operator, values []string) bool {
	n, op := narrow(t, register), positive(operator)
	found := false
	for _, v := range values {
		low, high, isRange := strings.Cut(v, ":")
		first := parse(low)
		last := first
		if isRange {
			last = parse(high)
		}
		switch op {
		case policy.OpEqual, policy.OpInMap, policy.OpInRange:
			found = found || n.Cmp(first) >= 0 && n.Cmp(last) <= 0
		case policy.OpGT:
			found = found || n.Cmp(first) > 0
		case policy.OpLT:
			found = found || n.Cmp(first) < 0
		case policy.OpMask:
			width := max(widths[t], -widths[t])
			found = found || new(big.Int).And(bits(n, width), bits(first, width)).Sign() != 0
		default:
			panic("naive: no operator on integers: " + string(op))
		}
	}
	return found != (op != operator)
}

func parse(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 0)
	if !ok {
		panic("naive: not a number: " + text)
	}
	return n
}
