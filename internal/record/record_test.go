// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/bpf"
)

var allowed = cmp.AllowUnexported(Record{}, Hook{}, bpf.Fork{}, bpf.Exec{}, bpf.ExecData{}, bpf.Exit{}, bpf.HookRecord{}, bpf.Header{}, bpf.ProcessID{}, bpf.Cred{})

func mustDecode(tb testing.TB, raw []byte) *Record {
	tb.Helper()
	var d Decoder
	r := &Record{}
	if err := d.Decode(raw, r); err != nil {
		tb.Fatal(err)
	}
	return r
}

func header(seq uint64) bpf.Header {
	return bpf.Header{Ring: 1, Cpu: 3, Seq: seq, Time: 99}
}

func sampleExec() *Exec {
	e := &Exec{
		Filename: []byte("./cat"), Exe: []byte("/usr/bin/cat"), CWD: []byte("/usr/bin"),
		Cgroup: []byte("/docker/x"), Args: []byte("cat\x00-n\x00file\x00"),
	}
	e.Header = header(5)
	e.Process = bpf.ProcessID{Start: 100, Pid: 7}
	e.Parent = bpf.ProcessID{Start: 50, Pid: 6}
	e.CgroupId, e.Ino, e.Nlink, e.Mode = 11, 12, 1, 0o100755
	e.Cred = bpf.Cred{Uid: 1, Euid: 2, CapEffective: 1 << 40}
	e.Ns[9] = 4026531837
	e.Flags, e.ProcessFlags, e.Nspid, e.Auid, e.ArgsTotal = 1, 2, 3, 4, 12
	return e
}

func sampleValues() []Value {
	return []Value{
		{Type: ValueS32, Slot: 0, Num: ^uint64(0), Content: []byte{}},
		{Type: ValueString, Slot: 1, Status: StatusTruncated, Num: 9, Content: []byte("/etc/pas")},
		{Type: ValueFD, Slot: 2, Num: 0o100644, Content: []byte("/etc/passwd")},
		{Type: ValueCharBuf, Slot: 3, Status: StatusFailed, Content: []byte{}},
	}
}

func sampleHook() []byte {
	h := &bpf.HookRecord{
		Process: bpf.ProcessID{Start: 100, Pid: 7}, Pair: 98, Hook: 2, Generation: 3, Tid: 8,
		Phase: uint8(PhaseEntry),
	}
	h.Header = header(6)
	return AppendHook(nil, h, []uint64{5, 1 << 63}, sampleValues())
}

func TestDecodeFork(t *testing.T) {
	fork := &bpf.Fork{Process: bpf.ProcessID{Start: 2, Pid: 3}, Parent: bpf.ProcessID{Start: 1, Pid: 1}, Nspid: 4, Flags: 5}
	fork.Header = header(1)
	r := mustDecode(t, AppendFork(nil, fork))
	if r.Type != TypeFork || r.Header.Seq != 1 || r.Header.Cpu != 3 || r.Header.Ring != 1 {
		t.Errorf("type %v, header %+v", r.Type, r.Header)
	}
	if r.Fork.Process != fork.Process || r.Fork.Parent != fork.Parent || r.Fork.Nspid != 4 || r.Fork.Flags != 5 {
		t.Errorf("decoded %+v, want %+v", r.Fork, *fork)
	}
}

func TestDecodeExit(t *testing.T) {
	exit := &bpf.Exit{Process: bpf.ProcessID{Start: 2, Pid: 3}, Tid: 4, Code: 9, Flags: 1}
	r := mustDecode(t, AppendExit(nil, exit))
	if r.Type != TypeExit || r.Exit.Process != exit.Process || r.Exit.Tid != 4 || r.Exit.Code != 9 {
		t.Errorf("decoded %v %+v, want %+v", r.Type, r.Exit, *exit)
	}
}

func TestDecodeExecAndTask(t *testing.T) {
	for want, raw := range map[Type][]byte{
		TypeExec: AppendExec(nil, sampleExec()),
		TypeTask: AppendTask(nil, sampleExec()),
	} {
		r := mustDecode(t, raw)
		got, exec := r.Exec, sampleExec()
		exec.Header = got.Header
		exec.FilenameLen, exec.ExeLen, exec.CwdLen, exec.CgroupLen, exec.ArgsLen = 5, 12, 8, 9, 12
		if diff := cmp.Diff(*exec, got, allowed); r.Type != want || diff != "" {
			t.Errorf("%v decoded as %v (-want +got):\n%s", want, r.Type, diff)
		}
		if int(got.Header.Size) != len(raw) {
			t.Errorf("size %d of %d bytes", got.Header.Size, len(raw))
		}
	}
}

func TestDecodeExecDataIgnoresTheRestOfTheRecord(t *testing.T) {
	data := &ExecData{Data: []byte("abcdef")}
	data.Offset = 32
	raw := AppendExecData(nil, data)
	raw = setSize(append(raw, "unspecified"...), 0)
	r := mustDecode(t, raw)
	if r.Type != TypeExecData || string(r.ExecData.Data) != "abcdef" || r.ExecData.Offset != 32 {
		t.Errorf("decoded %v, %q at %d", r.Type, r.ExecData.Data, r.ExecData.Offset)
	}
}

func TestDecodeHook(t *testing.T) {
	r := mustDecode(t, sampleHook())
	if r.Type != TypeHook || r.Hook.Pair != 98 || r.Hook.Tid != 8 || r.Hook.Generation != 3 {
		t.Errorf("decoded %v %+v", r.Type, r.Hook.HookRecord)
	}
	if diff := cmp.Diff([]uint64{5, 1 << 63}, r.Hook.Vector()); diff != "" {
		t.Errorf("vector (-want +got):\n%s", diff)
	}
	var got []Value
	for v := range r.Hook.Values() {
		got = append(got, v)
	}
	if diff := cmp.Diff(sampleValues(), got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestValuesCanStop(t *testing.T) {
	r := mustDecode(t, sampleHook())
	n := 0
	for range r.Hook.Values() {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d values after a break at 2", n)
	}
}

// The contract pads every value to eight bytes.
func TestHookRecordsAreAligned(t *testing.T) {
	for n := range 17 {
		raw := AppendHook(nil, &bpf.HookRecord{Phase: uint8(PhaseEntry)}, []uint64{1},
			[]Value{{Type: ValueString, Content: make([]byte, n)}, {Type: ValueU64, Num: 7}})
		if want := 72 + 8 + 16 + (n+7)/8*8 + 16; len(raw) != want {
			t.Fatalf("a value of %d bytes gives a record of %d, want %d", n, len(raw), want)
		}
		for v := range mustDecode(t, raw).Hook.Values() {
			if v.Type == ValueU64 && v.Num != 7 {
				t.Errorf("the value behind one of %d bytes is %d", n, v.Num)
			}
		}
	}
}

// A record may be followed by others, or by what an earlier use of the buffer left.
func TestDecodeStopsAtTheSize(t *testing.T) {
	raw := sampleHook()
	size := len(raw)
	r := mustDecode(t, append(raw, sampleHook()...))
	for v := range r.Hook.Values() {
		if cap(v.Content) > len(v.Content) {
			t.Errorf("content %q can grow into what follows it", v.Content)
		}
	}
	if int(r.Header.Size) != size {
		t.Errorf("size %d, want %d", r.Header.Size, size)
	}
}

func TestDecodeUnaligned(t *testing.T) {
	for shift := range 8 {
		buffer := append(make([]byte, shift), sampleHook()...)
		r := mustDecode(t, buffer[shift:])
		if r.Hook.Pair != 98 || len(r.Hook.Vector()) != 2 {
			t.Errorf("shifted by %d: %+v", shift, r.Hook.HookRecord)
		}
	}
}

// Every proper prefix of a record is an error, whatever size it states.
func TestDecodeCutOff(t *testing.T) {
	fork, exit := AppendFork(nil, &bpf.Fork{}), AppendExit(nil, &bpf.Exit{})
	data := &ExecData{Data: []byte("abc")}
	for _, raw := range [][]byte{
		fork, exit, AppendExec(nil, sampleExec()), AppendExecData(nil, data), sampleHook(),
	} {
		for n := range raw {
			var d Decoder
			var r Record
			if err := d.Decode(raw[:n], &r); err == nil {
				t.Fatalf("type %d: %d of %d bytes decoded", raw[4], n, len(raw))
			}
			cut := append([]byte(nil), raw[:n]...)
			if n < 4 {
				continue
			}
			if err := d.Decode(setSize(cut, 0), &r); err == nil {
				t.Fatalf("type %d: cut to a size of %d, decoded", raw[4], n)
			}
			if d.Corrupt != 2 || d.Records != 0 {
				t.Fatalf("counted %d corrupt, %d decoded", d.Corrupt, d.Records)
			}
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	const hookSize = 80
	exec := len(AppendExec(nil, &Exec{}))
	tests := map[string]struct {
		raw    []byte
		change func([]byte)
		want   Error
	}{
		"empty":        {nil, func([]byte) {}, Error{0, "header is cut off", 0}},
		"unknown type": {sampleHook(), func(b []byte) { b[4] = 77 }, Error{77, "unknown type", 4}},
		"too many words": {sampleHook(), func(b []byte) { b[65] = MaxWords + 1 },
			Error{TypeHook, "vector of 25 words", 65}},
		"too many values": {sampleHook(), func(b []byte) { b[66] = 200 }, Error{TypeHook, "200 values", 66}},
		"phase":           {sampleHook(), func(b []byte) { b[64] = 5 }, Error{TypeHook, "unknown phase 5", 64}},
		"one value more": {sampleHook(), func(b []byte) { b[66]++ },
			Error{TypeHook, "value 4: value is cut off", len(sampleHook())}},
		"content": {sampleHook(), func(b []byte) { b[hookSize-8+16+16+4+3] = 0xff },
			Error{TypeHook, "value 1: content of the value exceeds the record", hookSize - 8 + 16 + 16}},
		"filename": {AppendExec(nil, &Exec{Args: []byte("abc")}), func(b []byte) { b[exec-12] = 4 },
			Error{TypeExec, "filename of 4 bytes exceeds the record, which has 3 left", exec}},
		"args": {AppendExec(nil, &Exec{}), func(b []byte) { b[exec-1] = 0xff },
			Error{TypeExec, "args of 4278190080 bytes exceeds the record, which has 0 left", exec}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.change(test.raw)
			var d Decoder
			var r Record
			err := d.Decode(test.raw, &r)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.Contains(err.Error(), test.want.What) {
				t.Errorf("message %q does not say %q", err, test.want.What)
			}
		})
	}
}

func TestDecodeErrorKeepsASoundHeader(t *testing.T) {
	var d Decoder
	var r Record
	raw := sampleHook()
	raw[66] = 200
	if d.Decode(raw, &r); r.Header.Seq != 6 {
		t.Errorf("header %+v, want the record's: it shows that nothing is missing", r.Header)
	}
	raw[4] = 99
	if d.Decode(raw, &r); r.Header.Seq != 0 {
		t.Errorf("header %+v of an unknown record, want none", r.Header)
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	var d Decoder
	r := &Record{}
	for _, raw := range [][]byte{AppendExec(nil, sampleExec()), sampleHook()} {
		sum := uint64(0)
		n := testing.AllocsPerRun(100, func() {
			if err := d.Decode(raw, r); err != nil {
				t.Fatal(err)
			}
			if r.Type != TypeHook {
				return
			}
			for v := range r.Hook.Values() {
				sum += v.Num
			}
		})
		if n != 0 {
			t.Errorf("%v: %v allocations, want 0", r.Type, n)
		}
	}
}

func TestTypeString(t *testing.T) {
	if got := TypeExecData.String() + ", " + Type(9).String(); got != "exec data, type 9" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkDecodeHook(b *testing.B) {
	raw := sampleHook()
	var d Decoder
	r := &Record{}
	b.ReportAllocs()
	for b.Loop() {
		if d.Decode(raw, r) != nil {
			b.Fatal("not decoded")
		}
	}
}
