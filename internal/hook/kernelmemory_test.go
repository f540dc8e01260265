// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// kernelMemory finds objects of the kernel, and makes some up, for programs
// that are run with their addresses as arguments.
type kernelMemory struct {
	tb   testing.TB
	spec *btf.Spec
	// read runs with an address and leaves the eight bytes there in word.
	read, task *ebpf.Program
	word       *ebpf.Map
}

func mustKernelMemory(tb testing.TB) *kernelMemory {
	tb.Helper()
	spec, err := btf.LoadKernelSpec()
	mustNil(tb, err)
	word, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	mustNil(tb, err)
	k := &kernelMemory{tb: tb, spec: spec, word: word}
	k.read = k.mustProgram(asm.Instructions{
		asm.LoadMem(asm.R3, asm.R1, 0, asm.DWord),
		asm.LoadMapValue(asm.R1, word.FD(), 0),
		asm.Mov.Imm(asm.R2, 8),
		asm.FnProbeReadKernel.Call(),
	})
	k.task = k.mustProgram(asm.Instructions{
		asm.FnGetCurrentTask.Call(),
		asm.LoadMapValue(asm.R1, word.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
	})
	tb.Cleanup(func() { mustNil(tb, word.Close()) })
	return k
}

// mustProgram loads a program of a raw tracepoint with one argument.
func (k *kernelMemory) mustProgram(code asm.Instructions) *ebpf.Program {
	k.tb.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.RawTracepoint, License: "GPL", Instructions: append(code, asm.Mov.Imm(asm.R0, 0), asm.Return()),
	})
	mustNil(k.tb, err)
	k.tb.Cleanup(func() { mustNil(k.tb, p.Close()) })
	return p
}

// mustRun runs a program and returns what it leaves.
func (k *kernelMemory) mustRun(p *ebpf.Program, addr uint64) uint64 {
	k.tb.Helper()
	_, err := p.Run(&ebpf.RunOptions{Context: [1]uint64{addr}})
	mustNil(k.tb, err)
	var word uint64
	mustNil(k.tb, k.word.Lookup(uint32(0), &word))
	return word
}

// mustOffset is where a member of a structure is, in bytes.
func (k *kernelMemory) mustOffset(structure, member string) uint64 {
	k.tb.Helper()
	var s *btf.Struct
	mustNil(k.tb, k.spec.TypeByName(structure, &s))
	at, ok := memberOffset(s.Members, member)
	if !ok {
		k.tb.Fatalf("struct %s has no member %s", structure, member)
	}
	return uint64(at.Bytes())
}

func memberOffset(members []btf.Member, name string) (btf.Bits, bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Offset, true
		}
		inner, ok := btf.As[*btf.Struct](m.Type)
		if m.Name == "" && ok {
			if at, ok := memberOffset(inner.Members, name); ok {
				return m.Offset + at, true
			}
		}
		union, ok := btf.As[*btf.Union](m.Type)
		if m.Name == "" && ok {
			if at, ok := memberOffset(union.Members, name); ok {
				return m.Offset + at, true
			}
		}
	}
	return 0, false
}

// follow goes from an object along pointers, each the pair of a structure and
// its member.
func (k *kernelMemory) follow(object uint64, way ...string) uint64 {
	k.tb.Helper()
	for ; len(way) > 0; way = way[2:] {
		object = k.mustRun(k.read, object+k.mustOffset(way[0], way[1]))
		if object == 0 {
			k.tb.Fatalf("%s.%s is NULL", way[0], way[1])
		}
	}
	return object
}

// current is the address of this thread's struct task_struct.
func (k *kernelMemory) current() uint64 { return k.mustRun(k.task, 0) }

// file is the address of the struct file of a descriptor.
func (k *kernelMemory) file(fd int) uint64 {
	k.tb.Helper()
	table := k.follow(k.current(), "task_struct", "files", "files_struct", "fdt", "fdtable", "fd")
	return k.mustRun(k.read, table+8*uint64(fd))
}

// mustPlace puts bytes into memory of the kernel and returns their address.
func (k *kernelMemory) mustPlace(content []byte) uint64 {
	k.tb.Helper()
	const room = 4096
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: room, MaxEntries: 1})
	mustNil(k.tb, err)
	k.tb.Cleanup(func() { mustNil(k.tb, m.Close()) })
	padded := make([]byte, room)
	copy(padded, content)
	mustNil(k.tb, m.Put(uint32(0), padded))
	where := k.mustProgram(asm.Instructions{
		asm.LoadMapValue(asm.R2, m.FD(), 0),
		asm.LoadMapValue(asm.R1, k.word.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord),
	})
	return k.mustRun(where, 0)
}

// object makes up an object of which some members are not 0, eight bytes each,
// and returns its address as an argument; none where the kernel has no such
// objects.
func (k *kernelMemory) object(structure string, members map[string]uint64) []uint64 {
	k.tb.Helper()
	var s *btf.Struct
	if err := k.spec.TypeByName(structure, &s); errors.Is(err, btf.ErrNotFound) {
		return nil
	}
	var object [4096]byte
	for name, v := range members {
		binary.NativeEndian.PutUint64(object[k.mustOffset(structure, name):], v)
	}
	return []uint64{k.mustPlace(object[:])}
}

// mustDatagrams returns the descriptor of a socket that a datagram waits at.
func mustDatagrams(tb testing.TB) int {
	tb.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, unix.Close(fd)) })
	mustNil(tb, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := unix.Getsockname(fd)
	mustNil(tb, err)
	mustNil(tb, unix.Connect(fd, name))
	_, err = unix.Write(fd, []byte("datagram"))
	mustNil(tb, err)
	return fd
}

// mustNamedFile returns a file with a path of two components.
func mustNamedFile(tb testing.TB) *os.File {
	tb.Helper()
	mustNil(tb, os.MkdirAll("/tmp", 0o755))
	f, err := os.Create(fmt.Sprintf("/tmp/vedette-cost-%d", os.Getpid()))
	mustNil(tb, err)
	tb.Cleanup(func() {
		mustNil(tb, f.Close())
		mustNil(tb, os.Remove(f.Name()))
	})
	return f
}
