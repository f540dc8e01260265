// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-io/vedette/internal/event"
)

const (
	// maxKernelFunction is how far behind the beginning of a function code
	// may be to be its, in bytes.
	maxKernelFunction = 1 << 20
	// reread is how often the kernel's names are read again at most, where
	// one is missing: modules come and go.
	reread = 10 * time.Second
	// maxKernelSymbols and maxKernelNames bound what is kept, in symbols and
	// in bytes. A kernel has about 150,000 functions with 4 MB of names.
	maxKernelSymbols = 1 << 20
	maxKernelNames   = 64 << 20
)

// kernelSymbols are the functions of the kernel and of its modules.
type kernelSymbols struct {
	path    string
	rows    []kernelRow // by address
	names   []byte
	modules []string // 0 is the kernel itself
	read    time.Time
	err     error
}

type kernelRow struct {
	addr   uint64
	name   uint32
	length uint16
	module uint16
}

// frames appends the frames of a stack of the kernel, without those of the
// programs that walked it.
func (k *kernelSymbols) frames(dst []event.StackFrame, addrs []uint64, expose bool) []event.StackFrame {
	machinery := true
	for _, addr := range addrs {
		row := k.at(addr)
		frame := event.StackFrame{}
		if expose {
			frame.Address = addr
		}
		if row != nil {
			frame.Symbol = k.name(row)
			frame.Module = k.modules[row.module]
			frame.Offset = addr - row.addr
		}
		if machinery = machinery && isMachinery(&frame); machinery {
			continue
		}
		dst = append(dst, frame)
	}
	return dst
}

// bpfModule is what kallsyms calls the module of BPF programs.
const bpfModule = "bpf"

// machineryPrefixes begin the names of what runs programs at hooks.
var machineryPrefixes = []string{"bpf_trace_run", "bpf_get_stack", "___bpf_prog_run", "__bpf_prog_run", "__bpf_trace_", "__traceiter_", "bpf_trampoline_", "bpf_prog_", "trace_call_bpf"}

// isMachinery reports whether a frame is one of the way from the hook to the
// program that walked the stack: it says nothing of the process.
func isMachinery(f *event.StackFrame) bool {
	return f.Module == bpfModule || slices.ContainsFunc(machineryPrefixes, func(prefix string) bool {
		return strings.HasPrefix(f.Symbol, prefix)
	})
}

// at returns the function that an address is in, nil if it is not known.
func (k *kernelSymbols) at(addr uint64) *kernelRow {
	row := k.find(addr)
	if row == nil && time.Since(k.read) > reread {
		k.err = k.load()
		row = k.find(addr)
	}
	return row
}

// prepare reads the names if they have not been read.
func (k *kernelSymbols) prepare() {
	if k.read.IsZero() {
		k.err = k.load()
	}
}

func (k *kernelSymbols) find(addr uint64) *kernelRow {
	i, found := slices.BinarySearchFunc(k.rows, addr, func(r kernelRow, addr uint64) int { return cmp.Compare(r.addr, addr) })
	if !found {
		i--
	}
	if i < 0 || addr-k.rows[i].addr > maxKernelFunction {
		return nil
	}
	return &k.rows[i]
}

func (k *kernelSymbols) name(r *kernelRow) string {
	return string(k.names[r.name : r.name+uint32(r.length)])
}

// load reads all functions. It takes about a tenth of a second.
func (k *kernelSymbols) load() error {
	k.read = time.Now()
	f, err := os.Open(k.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return k.parse(f)
}

func (k *kernelSymbols) parse(r io.Reader) error {
	k.rows, k.names, k.modules = k.rows[:0], k.names[:0], []string{""}
	numbers := map[string]uint16{"": 0}
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		addr, kind, name, module, err := parseSymbol(scanner.Text())
		if err != nil {
			return err
		}
		if strings.IndexByte("tTwW", kind) < 0 || addr == 0 || len(name) > 1<<12 {
			continue
		}
		if len(k.rows) == maxKernelSymbols || len(k.names) > maxKernelNames {
			return fmt.Errorf("%s: more than %d functions", k.path, maxKernelSymbols)
		}
		number, ok := numbers[module]
		if !ok {
			number = uint16(len(k.modules))
			numbers[strings.Clone(module)] = number
			k.modules = append(k.modules, strings.Clone(module))
		}
		k.rows = append(k.rows, kernelRow{addr, uint32(len(k.names)), uint16(len(name)), number})
		k.names = append(k.names, name...)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	if len(k.rows) == 0 {
		return fmt.Errorf("%s tells no addresses (kernel.kptr_restrict)", k.path)
	}
	slices.SortStableFunc(k.rows, func(a, b kernelRow) int { return cmp.Compare(a.addr, b.addr) })
	return nil
}

// parseSymbol reads a line of /proc/kallsyms: address, kind, name, and the
// module in brackets.
func parseSymbol(line string) (addr uint64, kind byte, name, module string, err error) {
	word, rest, ok := strings.Cut(line, " ")
	if !ok || len(rest) < 3 || rest[1] != ' ' {
		return 0, 0, "", "", fmt.Errorf("kallsyms: line %q", line)
	}
	if addr, err = strconv.ParseUint(word, 16, 64); err != nil {
		return 0, 0, "", "", fmt.Errorf("kallsyms: line %q", line)
	}
	name, module, _ = strings.Cut(rest[2:], "\t")
	return addr, rest[0], name, strings.Trim(module, "[]"), nil
}
