// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"encoding/hex"
	"os"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/process"
)

// userSymbols name the frames of programs.
type userSymbols struct {
	mappings *mappings
	objects  *objects
}

// userStack is a stack of user space: where its frames are in memory and, as
// far as the kernel knew, in files.
type userStack struct {
	process process.ID
	// binary is the path of the program.
	binary string
	addrs  []uint64
	files  []bpf.BuildIDFrame
	// maps are the mappings of the process, as far as they are known.
	maps []mapping
}

// frames appends the frames of a stack.
func (u *userSymbols) frames(dst []event.StackFrame, s *userStack, expose bool) []event.StackFrame {
	s.maps = s.trusted(s.maps)
	for i, addr := range s.addrs {
		frame := u.frame(s, i, find(s.maps, addr))
		if expose {
			frame.Address = addr
		}
		dst = append(dst, frame)
	}
	return dst
}

// frame names one frame; m is the mapping that it seems to be in, or nil.
func (u *userSymbols) frame(s *userStack, i int, m *mapping) event.StackFrame {
	addr := s.addrs[i]
	file := s.file(i)
	switch {
	case m != nil:
		f := event.StackFrame{Module: m.path, Offset: m.at(addr)}
		x := u.objects.mapped(m, u.mappings.file(s.process.PID, m))
		if x == nil && file != nil {
			x = u.objects.withBuildID(file.BuildId, m.path, s.binary)
		}
		return named(f, x, i)
	case file != nil:
		f := event.StackFrame{Module: buildIDPrefix + hex.EncodeToString(file.BuildId[:]), Offset: file.At}
		x := u.objects.withBuildID(file.BuildId, s.binary)
		if x != nil {
			f.Module = x.path
		}
		return named(f, x, i)
	}
	return u.fixedFrame(s, i)
}

// trusted returns the mappings unless they contradict what the kernel has
// found: then they are those of another image, which the process has executed
// since.
func (s *userStack) trusted(all []mapping) []mapping {
	for i, addr := range s.addrs {
		m, file := find(all, addr), s.file(i)
		if m != nil && file != nil && file.At != m.at(addr) {
			return nil
		}
	}
	return all
}

// buildIDPrefix begins what stands for the path of a file that was not found.
const buildIDPrefix = "build-id:"

// named adds the symbol to a frame.
func named(f event.StackFrame, x *object, i int) event.StackFrame {
	if x != nil {
		f.Symbol = x.functions.At(callSite(f.Offset, i))
	}
	return f
}

// callSite is where the call of a frame is: all but the innermost frame tell
// where it returns to, which can be behind the end of the function.
func callSite(at uint64, i int) uint64 {
	if i == 0 || at == 0 {
		return at
	}
	return at - 1
}

// file is what the kernel knew of the file that a frame is in, nil if nothing.
func (s *userStack) file(i int) *bpf.BuildIDFrame {
	if i >= len(s.files) || s.files[i].Status != int32(bpf.ContractVdBuildIdStatusVD_BUILD_ID_VALID) {
		return nil
	}
	return &s.files[i]
}

// fixedFrame names a frame of a program that has ended and that is always at
// the same addresses.
func (u *userSymbols) fixedFrame(s *userStack, i int) event.StackFrame {
	var f event.StackFrame
	if !isGlobal(s.binary) {
		return f
	}
	file, err := executable.Open(s.binary)
	if err != nil {
		return f
	}
	defer file.Close()
	if !file.IsFixed() {
		return f
	}
	x := u.objects.of(file, s.binary)
	if x == nil {
		return f
	}
	at, ok := x.functions.OffsetOf(s.addrs[i])
	if !ok {
		return f
	}
	f.Module, f.Offset = x.path, at
	return named(f, x, i)
}

// isFile reports whether a path leads to a regular file.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
