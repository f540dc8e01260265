// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// contentOf are the bytes of a structure, as they are in a record.
func contentOf[T any](v T) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))...)
}

func setName(to []int8, name string) {
	for i := range name {
		to[i] = int8(name[i])
	}
}

// TestObjects reads every structure that a value can have for content.
func TestObjects(t *testing.T) {
	cred := bpf.CredValue{Userns: 77}
	cred.Cred = bpf.Cred{
		Uid: 1, Gid: 2, Euid: 3, Egid: 4, Suid: 5, Sgid: 6, Fsuid: 7, Fsgid: 8, Securebits: 9,
		UsernsLevel: 1, UsernsOwner: 10, UsernsGroup: 11, CapPermitted: 12, CapEffective: 13, CapInheritable: 14,
	}
	module := bpf.ModuleValue{Taints: 0x3000}
	setName(module.Name[:], "dummy")
	loaded := module
	loaded.HasSigOk = 1
	prog := bpf.BPFProgValue{Type: 2, Insns: 7}
	setName(prog.Name[:], "0123456789abcdef") // without a NUL byte
	bpfMap := bpf.BPFMapValue{Type: 99, KeySize: 1, ValueSize: 2, MaxEntries: 3}
	perf := bpf.PerfEventValue{Type: 2, Config: 3, ProbeOffset: 4}
	setName(perf.Function[:], "do_exit")
	tests := map[string]struct {
		value record.Value
		want  event.Arg
	}{
		"cred": {record.Value{Type: record.ValueCred, Content: contentOf(cred)},
			event.Arg{Kind: event.ArgProcessCreds, Detail: &event.Credentials{
				UID: 1, GID: 2, EUID: 3, EGID: 4, SUID: 5, SGID: 6, FSUID: 7, FSGID: 8, SecureBits: 9,
				Caps:   &event.Capabilities{Permitted: 12, Effective: 13, Inheritable: 14},
				UserNS: &event.UserNamespace{Level: 1, UID: 10, GID: 11, NS: event.Namespace{Inum: 77}},
			}}},
		"user namespace": {record.Value{Type: record.ValueUserNS, Content: contentOf(bpf.UserNSValue{Uid: 1, Gid: 2, Inum: 3})},
			event.Arg{Kind: event.ArgUserNS, Detail: &event.UserNamespace{UID: 1, GID: 2, NS: event.Namespace{Inum: 3, IsHost: true}}}},
		"module": {record.Value{Type: record.ValueModule, Content: contentOf(module)},
			event.Arg{Kind: event.ArgModule, Detail: &event.Module{Name: "dummy", Taints: 0x3000}}},
		"module while it is loaded": {record.Value{Type: record.ValueLoadInfo, Content: contentOf(loaded)},
			event.Arg{Kind: event.ArgModule, Detail: &event.Module{Name: "dummy", Taints: 0x3000, SignatureOK: event.Optional[bool]{Set: true}}}},
		"program": {record.Value{Type: record.ValueBPFProg, Content: contentOf(prog)},
			event.Arg{Kind: event.ArgBPFProg, Detail: &event.BPFProg{Type: "BPF_PROG_TYPE_KPROBE", Insns: 7, Name: "0123456789abcdef"}}},
		"attributes": {record.Value{Type: record.ValueBPFAttr, Content: contentOf(prog)},
			event.Arg{Kind: event.ArgBPFAttr, Detail: &event.BPFProg{Type: "BPF_PROG_TYPE_KPROBE", Insns: 7, Name: "0123456789abcdef"}}},
		"map of an unknown type": {record.Value{Type: record.ValueBPFMap, Content: contentOf(bpfMap)},
			event.Arg{Kind: event.ArgBPFMap, Detail: &event.BPFMap{Type: "99", KeySize: 1, ValueSize: 2, MaxEntries: 3}}},
		"perf event": {record.Value{Type: record.ValuePerfEvent, Content: contentOf(perf)},
			event.Arg{Kind: event.ArgPerfEvent, Detail: &event.PerfEvent{Function: "do_exit", Type: "PERF_TYPE_TRACEPOINT", Config: 3, ProbeOffset: 4}}},
		"not whole": {record.Value{Type: record.ValueCred, Content: make([]byte, 7)}, event.Arg{}},
		"not read": {record.Value{Type: record.ValueCred, Status: record.StatusFailed},
			event.Arg{Kind: event.ArgError, Bytes: badAddress}},
		"capability":    {record.Value{Type: record.ValueCapability, Num: 21}, event.Arg{Kind: event.ArgCapability, Int: 21, Text: "CAP_SYS_ADMIN"}},
		"no capability": {record.Value{Type: record.ValueCapability, Num: 99}, event.Arg{Kind: event.ArgCapability, Int: 99}},
		"kernel_cap_t":  {record.Value{Type: record.ValueKernelCap, Num: 5}, event.Arg{Kind: event.ArgKernelCap, Uint: 5}},
		"inheritable":   {record.Value{Type: record.ValueCapInheritable, Num: 5}, event.Arg{Kind: event.ArgCapInheritable, Uint: 5}},
		"permitted":     {record.Value{Type: record.ValueCapPermitted, Num: 5}, event.Arg{Kind: event.ArgCapPermitted, Uint: 5}},
		"effective":     {record.Value{Type: record.ValueCapEffective, Num: 5}, event.Arg{Kind: event.ArgCapEffective, Uint: 5}},
		"command":       {record.Value{Type: record.ValueBPFCmd, Num: 5}, event.Arg{Kind: event.ArgBPFCmd, Int: 5}},
		"device":        {record.Value{Type: record.ValueNetDevice, Content: []byte("lo")}, event.Arg{Kind: event.ArgString, Bytes: []byte("lo")}},
		"binprm": {record.Value{Type: record.ValueBinprm, Num: 0o100755, Content: []byte("/bin/sh")},
			event.Arg{Kind: event.ArgLinuxBinprm, Mode: 0o100755, Bytes: []byte("/bin/sh")}},
		"kiocb":  {record.Value{Type: record.ValueKiocb, Content: []byte("/a")}, event.Arg{Kind: event.ArgFile, Bytes: []byte("/a")}},
		"dentry": {record.Value{Type: record.ValueDentry, Content: []byte("/a")}, event.Arg{Kind: event.ArgPath, Bytes: []byte("/a")}},
		"segments of unknown length": {record.Value{Type: record.ValueCharIovec, Status: record.StatusTruncated, Num: 2, Content: []byte("ab")},
			event.Arg{Kind: event.ArgTruncatedBytes, Bytes: []byte("ab"), Uint: 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c call
			if diff := cmp.Diff(test.want, c.arg(&test.value)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestElements checks arrays of tracepoints.
func TestElements(t *testing.T) {
	for name, test := range map[string]struct {
		num     uint64
		content []byte
		want    []event.Arg
	}{
		"longs":           {8, []byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}, []event.Arg{{Kind: event.ArgSize, Uint: 1}, {Kind: event.ArgSize, Uint: 2}}},
		"signed ints":     {4 | elementSigned, []byte{255, 255, 255, 255}, []event.Arg{{Kind: event.ArgInt, Int: -1}}},
		"unsigned ints":   {4, []byte{255, 255, 255, 255}, []event.Arg{{Kind: event.ArgUint, Uint: 1<<32 - 1}}},
		"signed shorts":   {2 | elementSigned, []byte{254, 255}, []event.Arg{{Kind: event.ArgInt, Int: -2}}},
		"unsigned shorts": {2, []byte{1, 1}, []event.Arg{{Kind: event.ArgUint, Uint: 257}}},
		"text":            {1, []byte("comm\x00rest"), []event.Arg{{Kind: event.ArgString, Bytes: []byte("comm")}}},
		"nothing":         {0, []byte("comm"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := appendElements(nil, &record.Value{Type: record.ValueConstBuf, Num: test.num, Content: test.content})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestObjectReturned shows the object that a returned pointer leads to.
func TestObjectReturned(t *testing.T) {
	r := newRig(t, nil)
	p := readPlan()
	g := &p.Groups[0]
	g.Args, g.HasReturn, g.ReturnType, g.ReturnSlot = nil, true, record.ValueString, 3
	r.mustPlan(t, p)
	h := bpf.HookRecord{Process: pid(100, 5), Tid: 5, Pair: 9, Phase: uint8(record.PhaseEntryAwaitsReturn)}
	r.Handle(r.hook(h, []uint64{1, 0}, record.Value{Type: record.ValueString, Slot: 3, Status: record.StatusAtReturn}))
	h.Phase = uint8(record.PhaseReturn)
	r.Handle(r.hook(h, []uint64{1, 0}, record.Value{Type: record.ValueString, Slot: 0xff, Num: 4096},
		record.Value{Type: record.ValueString, Slot: 3, Content: []byte("line")}))
	want := &event.Arg{Kind: event.ArgString, Bytes: []byte("line")}
	if diff := cmp.Diff(want, r.mustOne(t).Hook.Return); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.Groups[0].ReturnSlot = record.MaxSlots
	if err := r.SetPlan(p); err == nil {
		t.Error("a plan with a slot that does not exist is accepted")
	}
}
