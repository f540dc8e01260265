// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"strconv"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// objects are what events show of the kernel's objects in one slot. They are reused: an event is valid
// only while it is emitted.
type objects struct {
	creds     event.Credentials
	caps      event.Capabilities
	userNS    event.UserNamespace
	module    event.Module
	prog      event.BPFProg
	bpfMap    event.BPFMap
	perfEvent event.PerfEvent
}

// arg returns the argument that events show of an object of the kernel; false if the type is none, or
// the content is not one.
func (o *objects) arg(v *record.Value) (event.Arg, bool) {
	switch v.Type {
	case record.ValueCred:
		return argOfContent(v, event.ArgProcessCreds, o.ofCred)
	case record.ValueUserNS:
		return argOfContent(v, event.ArgUserNS, o.ofUserNS)
	case record.ValueModule, record.ValueLoadInfo:
		return argOfContent(v, event.ArgModule, o.ofModule)
	case record.ValueBPFAttr:
		return argOfContent(v, event.ArgBPFAttr, o.ofProg)
	case record.ValueBPFProg:
		return argOfContent(v, event.ArgBPFProg, o.ofProg)
	case record.ValueBPFMap:
		return argOfContent(v, event.ArgBPFMap, o.ofMap)
	case record.ValuePerfEvent:
		return argOfContent(v, event.ArgPerfEvent, o.ofPerfEvent)
	}
	return event.Arg{}, false
}

// argOfContent reads a structure of the contract, which has neither pointers nor padding.
func argOfContent[T any](v *record.Value, kind event.ArgKind, detail func(*T) event.Detail) (event.Arg, bool) {
	var content T
	if len(v.Content) != int(unsafe.Sizeof(content)) {
		return event.Arg{}, false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&content)), unsafe.Sizeof(content)), v.Content)
	return event.Arg{Kind: kind, Detail: detail(&content)}, true
}

func (o *objects) ofCred(v *bpf.CredValue) event.Detail {
	c := &v.Cred
	o.caps = event.Capabilities{Permitted: c.CapPermitted, Effective: c.CapEffective, Inheritable: c.CapInheritable}
	o.setUserNS(int32(c.UsernsLevel), c.UsernsOwner, c.UsernsGroup, v.Userns)
	o.creds = event.Credentials{
		UID: c.Uid, GID: c.Gid, EUID: c.Euid, EGID: c.Egid, SUID: c.Suid, SGID: c.Sgid, FSUID: c.Fsuid, FSGID: c.Fsgid,
		SecureBits: c.Securebits, Caps: &o.caps, UserNS: &o.userNS,
	}
	return &o.creds
}

func (o *objects) ofUserNS(v *bpf.UserNSValue) event.Detail {
	o.setUserNS(v.Level, v.Uid, v.Gid, v.Inum)
	return &o.userNS
}

// setUserNS takes a user namespace; that of level 0 is the host's, all others are below it.
func (o *objects) setUserNS(level int32, uid, gid, inum uint32) {
	o.userNS = event.UserNamespace{Level: level, UID: uid, GID: gid, NS: event.Namespace{Inum: inum, IsHost: level == 0}}
}

func (o *objects) ofModule(v *bpf.ModuleValue) event.Detail {
	o.module = event.Module{Name: textOf(v.Name[:]), Taints: uint32(v.Taints)}
	if v.HasSigOk != 0 {
		o.module.SignatureOK = event.Optional[bool]{Set: true, Value: v.SigOk != 0}
	}
	return &o.module
}

func (o *objects) ofProg(v *bpf.BPFProgValue) event.Detail {
	o.prog = event.BPFProg{Type: nameOf(progTypes, v.Type), Insns: v.Insns, Name: textOf(v.Name[:])}
	return &o.prog
}

func (o *objects) ofMap(v *bpf.BPFMapValue) event.Detail {
	o.bpfMap = event.BPFMap{
		Type: nameOf(mapTypes, v.Type), KeySize: v.KeySize, ValueSize: v.ValueSize, MaxEntries: v.MaxEntries, Name: textOf(v.Name[:]),
	}
	return &o.bpfMap
}

func (o *objects) ofPerfEvent(v *bpf.PerfEventValue) event.Detail {
	o.perfEvent = event.PerfEvent{
		Function: textOf(v.Function[:]), Type: nameOf(perfTypes, v.Type), Config: v.Config, ProbeOffset: v.ProbeOffset,
	}
	return &o.perfEvent
}

// textOf returns the text of an array, which ends at its first NUL byte.
func textOf(array []int8) string {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(array))), len(array))
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// nameOf returns the name of a number, or the number where it has none.
func nameOf(names []string, number uint32) string {
	if uint64(number) < uint64(len(names)) {
		return names[number]
	}
	return strconv.FormatUint(uint64(number), 10)
}
