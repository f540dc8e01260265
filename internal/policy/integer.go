// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/api/tetragon"
)

// ErrNotInteger matches the error of a value that is not an integer at all.
var ErrNotInteger = errors.New("not an integer")

// ErrOutOfRange matches the error of an integer that its type cannot hold.
var ErrOutOfRange = errors.New("out of range")

// ParseInt parses a filter's value for an integer type: decimal, 0x
// hexadecimal, 0 or 0o octal, 0b binary, with a sign where the type has one.
// The result is sign-extended to 64 bits for signed types, so that
// int64(bits) is the value, and zero-extended for the others.
func ParseInt(value string, t ArgType) (bits uint64, err error) {
	if !t.IsInteger() {
		return 0, fmt.Errorf("%s: type %s is not an integer", quote(value), t)
	}
	if number, ok := namedInt(value, t); ok {
		return number, nil
	}
	if t.IsSigned() {
		signed, err := strconv.ParseInt(value, 0, 8*t.Width())
		return uint64(signed), integerError(value, t, err)
	}
	bits, err = strconv.ParseUint(strings.TrimPrefix(value, "+"), 0, 8*t.Width())
	if err != nil && strings.HasPrefix(value, "-") {
		if _, negative := strconv.ParseInt(value, 0, 64); negative == nil {
			err = strconv.ErrRange
		}
	}
	return bits, integerError(value, t, err)
}

// namedInt returns the number of a name that values of an integer type can
// be written with: that of a capability, or of a command of bpf(2).
func namedInt(value string, t ArgType) (uint64, bool) {
	switch t {
	case TypeCapability:
		i := slices.Index(capabilityNames, value)
		if i < 0 {
			i = slices.Index(capabilityNames, "CAP_"+value)
		}
		return uint64(i), i >= 0
	case TypeBpfCmd:
		n, ok := tetragon.BpfCmd_value[value]
		return uint64(n), ok
	}
	return 0, false
}

// ParseMask parses a value of the Mask operator. Unlike for [ParseInt] any
// bit pattern of the type's width is valid, 0x80000000 for an int too. The
// result is zero-extended from the width of the type.
func ParseMask(value string, t ArgType) (uint64, error) {
	if bits, err := ParseInt(value, t); err == nil {
		return bits & widthMask(t), nil
	} else if !t.IsSigned() || !errors.Is(err, ErrOutOfRange) {
		return 0, err
	}
	bits, err := strconv.ParseUint(value, 0, 8*t.Width())
	return bits, integerError(value, t, err)
}

// widthMask returns the bits that an integer type has.
func widthMask(t ArgType) uint64 { return ^uint64(0) >> (64 - 8*t.Width()) }

// integerError says in words of the policy why an integer did not parse.
func integerError(value string, t ArgType, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		low, high := integerRange(t)
		return fmt.Errorf("%s is %w for %s, %s to %s", quote(value), ErrOutOfRange, t, low, high)
	}
	return fmt.Errorf("%s is %w", quote(value), ErrNotInteger)
}

// integerRange returns the smallest and the largest value of a type.
func integerRange(t ArgType) (low, high string) {
	if t.IsSigned() {
		largest := int64(widthMask(t) >> 1)
		return strconv.FormatInt(-largest-1, 10), strconv.FormatInt(largest, 10)
	}
	return "0", strconv.FormatUint(widthMask(t), 10)
}

// ParseRange parses a range "min:max", both ends belonging to it, each as
// [ParseInt] does. It fails where min is greater than max.
func ParseRange(value string, t ArgType) (low, high uint64, err error) {
	first, last, found := strings.Cut(value, ":")
	if !found {
		return 0, 0, fmt.Errorf("%s is not a range, expected min:max", quote(value))
	}
	if low, err = ParseInt(first, t); err != nil {
		return 0, 0, fmt.Errorf("range %s: %w", quote(value), err)
	}
	if high, err = ParseInt(last, t); err != nil {
		return 0, 0, fmt.Errorf("range %s: %w", quote(value), err)
	}
	if t.IsSigned() && int64(low) > int64(high) || !t.IsSigned() && low > high {
		return 0, 0, fmt.Errorf("range %s is empty, its first end is greater than its last", quote(value))
	}
	return low, high, nil
}

// ParseIntOrRange parses a value of InMap and NotInMap: one integer, or a
// range "min:max".
func ParseIntOrRange(value string, t ArgType) (low, high uint64, err error) {
	if strings.Contains(value, ":") {
		return ParseRange(value, t)
	}
	low, err = ParseInt(value, t)
	return low, low, err
}

// ParsePortRange parses a value of the port operators: a port, or a range
// "min:max".
func ParsePortRange(value string) (low, high uint16, err error) {
	first, last, err := ParseIntOrRange(value, TypeUint16)
	if err != nil {
		return 0, 0, fmt.Errorf("port: %w", err)
	}
	return uint16(first), uint16(last), nil
}
