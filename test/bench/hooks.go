// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// hookKind is a way to see the same pread of one file.
type hookKind struct {
	name string
	// section is the text of a hook without selectors, indented as a list in
	// the policy's spec; arg is the index of the argument that is the file.
	section, hook string
	arg           int
	// attach is the attachment that the agent is to take, empty for its own
	// choice. Only one policy is measured then.
	attach string
	// empty attaches a program that does nothing in the same way.
	empty func() (io.Closer, error)
}

// filePermission is a function that a pread passes, by a hook without its end.
const filePermission = "security_file_permission"

// fileFunction is that function as a kprobe.
const fileFunction = "{call: " + filePermission + ", syscall: false, args: [{index: 0, type: file}, {index: 1, type: int}]"

// hookKinds are the hooks that are measured.
var hookKinds = []hookKind{
	{
		name: "syscall", section: "kprobes",
		hook:  "{call: sys_pread64, syscall: true, args: [{index: 0, type: fd}, {index: 2, type: size_t}]",
		empty: func() (io.Closer, error) { return emptyTracing("sys_enter") },
	},
	{
		name: "tracepoint", section: "tracepoints", arg: 5,
		hook:  "{subsystem: syscalls, event: sys_enter_pread64, args: [{index: 5, type: fd}, {index: 7, type: size_t}]",
		empty: func() (io.Closer, error) { return emptyTracepoint("syscalls", "sys_enter_pread64") },
	},
	{
		name: "function", section: "kprobes", hook: fileFunction,
		empty: func() (io.Closer, error) {
			return emptyTraced(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry})
		},
	},
	{
		name: "fentry", section: "kprobes", hook: fileFunction, attach: "fentry",
		empty: func() (io.Closer, error) {
			return emptyTraced(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry})
		},
	},
	{
		name: "fmod_ret", section: "kprobes", hook: fileFunction, attach: "fmod_ret",
		empty: func() (io.Closer, error) {
			return emptyTraced(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachModifyReturn})
		},
	},
	{name: "kprobe", section: "kprobes", hook: fileFunction, attach: "kprobe", empty: emptyKprobe},
	{
		name: "lsm", section: "lsmhooks", attach: "lsm",
		hook:  "{hook: file_permission, args: [{index: 0, type: file}, {index: 1, type: int}]",
		empty: emptyLSM,
	},
}

// policies returns the text of a number of policies, each with a number of
// rules, none of which matches any file here. Name and rules of the first
// begin with number from.
func (k hookKind) policies(from, count, rules int) string {
	var b strings.Builder
	for i := from; i < from+count; i++ {
		fmt.Fprintf(&b, "---\napiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: %s}\nspec:\n  %s:\n  - %s, selectors: [",
			policyName(i), k.section, k.hook)
		for r := range rules {
			fmt.Fprintf(&b, "{matchArgs: [{index: %d, operator: Prefix, values: [/etc/no-such-%d-%d]}]},", k.arg, i, r)
		}
		b.WriteString("]}\n")
	}
	return b.String()
}

func policyName(i int) string { return fmt.Sprintf("bench-%d", i) }

// emptyProgram loads a program that returns 0.
func emptyProgram(spec ebpf.ProgramSpec) (*ebpf.Program, error) {
	spec.Name, spec.License = "bench_empty", "GPL"
	spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	return ebpf.NewProgram(&spec)
}

// attached is a program with its link.
type attached struct {
	program *ebpf.Program
	link    io.Closer
}

// Close detaches the program.
func (a attached) Close() error { return errors.Join(a.link.Close(), a.program.Close()) }

func attach(p *ebpf.Program, how func() (link.Link, error)) (io.Closer, error) {
	l, err := how()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return attached{program: p, link: l}, nil
}

func emptyTracing(tracepoint string) (io.Closer, error) {
	p, err := emptyProgram(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: tracepoint})
	if err != nil {
		return nil, err
	}
	return attach(p, func() (link.Link, error) { return link.AttachTracing(link.TracingOptions{Program: p}) })
}

// emptyTraced attaches to filePermission by a trampoline.
func emptyTraced(spec ebpf.ProgramSpec) (io.Closer, error) {
	spec.AttachTo = filePermission
	p, err := emptyProgram(spec)
	if err != nil {
		return nil, err
	}
	return attach(p, func() (link.Link, error) { return link.AttachTracing(link.TracingOptions{Program: p}) })
}

func emptyLSM() (io.Closer, error) {
	p, err := emptyProgram(ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_permission"})
	if err != nil {
		return nil, err
	}
	return attach(p, func() (link.Link, error) { return link.AttachLSM(link.LSMOptions{Program: p}) })
}

func emptyKprobe() (io.Closer, error) {
	p, err := emptyProgram(ebpf.ProgramSpec{Type: ebpf.Kprobe})
	if err != nil {
		return nil, err
	}
	return attach(p, func() (link.Link, error) { return link.Kprobe(filePermission, p, nil) })
}

func emptyTracepoint(group, name string) (io.Closer, error) {
	if _, err := os.Stat("/sys/kernel/tracing/events"); err != nil {
		return nil, err
	}
	p, err := emptyProgram(ebpf.ProgramSpec{Type: ebpf.TracePoint})
	if err != nil {
		return nil, err
	}
	return attach(p, func() (link.Link, error) { return link.Tracepoint(group, name, p, nil) })
}
