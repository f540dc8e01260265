// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unsafe"
)

// memory holds what arguments point to. Go does not move what is on its heap.
type memory struct{ kept [][]byte }

// values are the number of a call and its arguments.
func (m *memory) values(words []string, results []uintptr) ([]uintptr, error) {
	if len(words) == 0 || len(words) > 7 {
		return nil, fmt.Errorf("call %q: want a number and up to 6 arguments", words)
	}
	values := make([]uintptr, len(words))
	for i, word := range words {
		var err error
		if values[i], err = m.value(word, results); err != nil {
			return nil, fmt.Errorf("argument %q: %w", word, err)
		}
	}
	return values, nil
}

func (m *memory) value(word string, results []uintptr) (uintptr, error) {
	switch {
	case strings.HasPrefix(word, "="):
		return m.text(word[1:]), nil
	case strings.HasPrefix(word, ":"):
		b, err := hex.DecodeString(word[1:])
		return m.keep(b), err
	case strings.HasPrefix(word, "@"):
		i, err := strconv.Atoi(word[1:])
		if err != nil || i < 0 || i >= len(results) {
			return 0, fmt.Errorf("there is no result of that call among %d", len(results))
		}
		return results[i], nil
	case strings.HasPrefix(word, "["):
		return m.vector(strings.Split(word[1:], "|")), nil
	}
	if n, err := strconv.ParseInt(word, 0, 64); err == nil {
		return uintptr(n), nil
	}
	n, err := strconv.ParseUint(word, 0, 64)
	return uintptr(n), err
}

func (m *memory) text(s string) uintptr { return m.keep(append([]byte(s), 0)) }

// vector is the address of the addresses of texts.
func (m *memory) vector(texts []string) uintptr {
	var b []byte
	for _, s := range texts {
		b = binary.NativeEndian.AppendUint64(b, uint64(m.text(s)))
	}
	return m.keep(binary.NativeEndian.AppendUint64(b, 0))
}

func (m *memory) keep(b []byte) uintptr {
	b = append(b, 0)
	m.kept = append(m.kept, b)
	return uintptr(unsafe.Pointer(&b[0]))
}
