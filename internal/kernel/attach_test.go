// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// possible are functions of every kernel, and what can be attached to them
// where the kernel offers the feature.
var possible = []struct {
	function                       string
	fentry, fmodRet, kprobe, multi bool
}{
	{"fd_install", true, false, true, true},
	{"vfs_read", true, false, true, true},
	{"security_file_permission", true, true, true, true},
	{"security_task_getsid", true, true, true, true},
	{"nothing_of_that_name", false, false, false, false},
	{"notify_die", false, false, false, false},        // on the way of kprobes themselves
	{"trace_clock_local", false, false, false, false}, // on the way of ftrace itself
}

func TestCheckFunctions(t *testing.T) {
	skipUnlessPrivileged(t)
	o := Offered()
	for _, p := range possible {
		for _, check := range []struct {
			feature Feature
			check   func(string) error
			want    bool
		}{
			{FeatureFentry, o.CheckFentry, p.fentry},
			{FeatureFexit, o.CheckFexit, p.fentry},
			{FeatureFmodRet, o.CheckFmodRet, p.fmodRet},
			{FeatureKprobe, o.CheckKprobe, p.kprobe},
			{FeatureKprobeMulti, o.CheckKprobeMulti, p.multi},
			{FeatureOverride, o.CheckOverride, false},
		} {
			t.Run(p.function+"/"+string(check.feature), func(t *testing.T) {
				err := check.check(p.function)
				if o.Check(check.feature) != nil {
					if !errors.Is(err, ErrMissing) {
						t.Errorf("%v, want that the feature is missing", err)
					}
					return
				}
				var refused *AttachError
				if got := err == nil; got != check.want || !got && !errors.As(err, &refused) {
					t.Errorf("%v, want possible: %v", err, check.want)
				}
			})
		}
	}
}

// TestCheckIsTrue attaches what is said to be possible.
func TestCheckIsTrue(t *testing.T) {
	skipUnlessPrivileged(t)
	o := Offered()
	for _, p := range possible {
		attach := func(f Feature, err error, try trial) {
			t.Run(p.function+"/"+string(f), func(t *testing.T) {
				if err != nil {
					t.Skipf("%v", err)
				}
				try.spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
				try.trigger = nil
				if err := o.run(try); err != nil {
					t.Error(err)
				}
			})
		}
		attach(FeatureFentry, o.CheckFentry(p.function), tracing(ebpf.AttachTraceFEntry, p.function))
		attach(FeatureFexit, o.CheckFexit(p.function), tracing(ebpf.AttachTraceFExit, p.function))
		attach(FeatureFmodRet, o.CheckFmodRet(p.function), tracing(ebpf.AttachModifyReturn, p.function))
		attach(FeatureKprobe, o.CheckKprobe(p.function), trial{
			spec:   ebpf.ProgramSpec{Type: ebpf.Kprobe},
			attach: func(k *ebpf.Program) (io.Closer, error) { return link.Kprobe(p.function, k, nil) },
		})
		attach(FeatureKprobeMulti, o.CheckKprobeMulti(p.function), trial{
			spec: ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceKprobeMulti},
			attach: func(k *ebpf.Program) (io.Closer, error) {
				return link.KprobeMulti(k, link.KprobeMultiOptions{Symbols: []string{p.function}})
			},
		})
	}
}

// TestCheckFmodRetSyscall checks that functions of system calls are judged by
// themselves.
func TestCheckFmodRetSyscall(t *testing.T) {
	skipUnlessPrivileged(t)
	o := Offered()
	got, want := o.CheckFmodRet(syscallFunction("mkdirat")), o.Check(FeatureFmodRetSyscall)
	if (got == nil) != (want == nil) {
		t.Errorf("mkdirat: %v, system calls: %v", got, want)
	}
}

func TestCheckLSMHook(t *testing.T) {
	skipUnlessPrivileged(t)
	o := Offered()
	offers := o.Check(FeatureLSM) == nil
	if err := o.CheckLSMHook("file_open"); (err == nil) != offers {
		t.Errorf("file_open: %v", err)
	}
	err := o.CheckLSMHook("file_opn")
	if offers && (!errors.Is(err, ErrNoLSMHook) || !strings.Contains(err.Error(), "did you mean file_open")) {
		t.Errorf("file_opn: %v", err)
	}
	if !offers && !errors.Is(err, ErrMissing) {
		t.Errorf("file_opn: %v", err)
	}
}

func TestAttachments(t *testing.T) {
	skipUnlessPrivileged(t)
	var names []string
	for _, a := range Offered().Attachments("security_file_permission") {
		names = append(names, string(a.Feature))
	}
	if got, want := strings.Join(names, " "), "fentry fexit fmod_ret kprobe kprobe.multi override LSM"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAttachMemory checks that answers are remembered, and not without bound.
func TestAttachMemory(t *testing.T) {
	var m attachMemory
	asked := 0
	ask := func() error { asked++; return nil }
	for range 2 {
		if err := m.once(attachment{FeatureFentry, "f"}, ask); err != nil || asked != 1 {
			t.Fatalf("%v, asked %d times", err, asked)
		}
	}
	for i := range 2 * maxMemory {
		if err := m.once(attachment{FeatureFentry, strings.Repeat("f", 2) + string(rune(i))}, ask); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.answers) > maxMemory {
		t.Errorf("%d answers are remembered", len(m.answers))
	}
}
