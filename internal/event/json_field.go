// SPDX-License-Identifier: Apache-2.0

package event

import (
	"encoding/base64"
	"net/netip"
	"strconv"
)

// The functions below append a field of a JSON object, key and value. A key is given as it is written:
// in quotes and with its colon. Those named "opt" leave out the zero value.

// appendKey appends key, after a comma unless it is the first of its object. Values never end in "{".
func appendKey(dst []byte, key string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(dst, key...)
}

func appendString(dst []byte, key, value string) []byte {
	return appendText(appendKey(dst, key), value)
}

func optString(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendText(appendKey(dst, key), value)
}

func appendBase64(dst []byte, key string, value []byte) []byte {
	dst = append(appendKey(dst, key), '"')
	dst = base64.StdEncoding.AppendEncode(dst, value)
	return append(dst, '"')
}

func optBase64(dst []byte, key string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return appendBase64(dst, key, value)
}

func appendUint(dst []byte, key string, value uint64) []byte {
	return strconv.AppendUint(appendKey(dst, key), value, 10)
}

func optUint(dst []byte, key string, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return appendUint(dst, key, value)
}

func appendInt(dst []byte, key string, value int64) []byte {
	return strconv.AppendInt(appendKey(dst, key), value, 10)
}

// appendUint64 appends a 64-bit number, which JSON carries as a string.
func appendUint64(dst []byte, key string, value uint64) []byte {
	dst = append(appendKey(dst, key), '"')
	return append(strconv.AppendUint(dst, value, 10), '"')
}

func optUint64(dst []byte, key string, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return appendUint64(dst, key, value)
}

func appendInt64(dst []byte, key string, value int64) []byte {
	dst = append(appendKey(dst, key), '"')
	return append(strconv.AppendInt(dst, value, 10), '"')
}

func appendBool(dst []byte, key string, value bool) []byte {
	return strconv.AppendBool(appendKey(dst, key), value)
}

func optBool(dst []byte, key string, value bool) []byte {
	if !value {
		return dst
	}
	return appendBool(dst, key, value)
}

func optTime(dst []byte, key string, ns int64) []byte {
	if ns == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '"')
	return append(appendTimestamp(dst, ns), '"')
}

// optAddr appends an address. A zone is left out: it may be any text.
func optAddr(dst []byte, key string, addr netip.Addr) []byte {
	if !addr.IsValid() {
		return dst
	}
	dst = append(appendKey(dst, key), '"')
	return append(addr.WithZone("").AppendTo(dst), '"')
}

// optBits appends the names of the bits that are set.
func optBits(dst []byte, key string, names enumNames, set uint64) []byte {
	if set == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for bit := int64(0); set != 0; bit, set = bit+1, set>>1 {
		if set&1 != 0 {
			dst = append(names.append(dst, bit), ',')
		}
	}
	return closeList(dst)
}

func optStrings(dst []byte, key string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for _, value := range values {
		dst = append(appendText(dst, value), ',')
	}
	return closeList(dst)
}

func optLabels(dst []byte, key string, labels Labels) []byte {
	if len(labels) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '{')
	for _, label := range labels {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, label.Key), ':')
		dst = appendText(dst, label.Value)
	}
	return append(dst, '}')
}

// openObject appends a key and the beginning of its object.
func openObject(dst []byte, key string) []byte {
	return append(appendKey(dst, key), '{')
}

// closeList turns the comma after the last element into the end of the list.
func closeList(dst []byte) []byte {
	dst[len(dst)-1] = ']'
	return dst
}
