// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Call makes the i386 call with a number by int 0x80 and returns its result,
// or its error. The kernel looks at the lower halves of the arguments only;
// addresses must be those of a [Memory]. A process of a kernel that has no
// 32-bit calls dies of it.
func Call(number uint64, args ...uint64) (int32, error) {
	registers := [7]uint64{number}
	copy(registers[1:], args)
	result := interrupt(&registers)
	if result < 0 && result >= -4095 {
		return result, syscall.Errno(-result)
	}
	return result, nil
}

// interrupt is the call: its number and its six arguments.
func interrupt(registers *[7]uint64) int32

// Memory is memory whose addresses fit into 32 bits.
type Memory struct {
	bytes []byte
	used  int
}

// NewMemory takes a page of memory, to be given back by Close.
func NewMemory() (*Memory, error) {
	b, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	if err != nil {
		return nil, fmt.Errorf("memory for 32-bit calls: %w", err)
	}
	return &Memory{bytes: b}, nil
}

// Put copies data into the memory and returns its address. It panics when the
// page is full.
func (m *Memory) Put(data []byte) uint64 {
	if m.used+len(data) > len(m.bytes) {
		panic("compat: the memory is full")
	}
	at := m.bytes[m.used : m.used+len(data)]
	m.used += len(data)
	copy(at, data)
	return addressOf(at)
}

// PutString is Put of a string and the zero at its end.
func (m *Memory) PutString(s string) uint64 { return m.Put(append([]byte(s), 0)) }

// Close gives the memory back.
func (m *Memory) Close() error { return unix.Munmap(m.bytes) }
