// SPDX-License-Identifier: Apache-2.0

package event

import (
	"net/netip"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

func protoArg(a *Arg) *tetragon.KprobeArgument {
	m := &tetragon.KprobeArgument{Label: valid(a.Label)}
	if !setScalarArg(m, a) && !setTextArg(m, a) {
		setDetailArg(m, a)
	}
	return m
}

// setScalarArg sets the members that are numbers, text or bytes and reports whether a is one of them.
func setScalarArg(m *tetragon.KprobeArgument, a *Arg) bool {
	switch a.Kind {
	case ArgString:
		m.Arg = &tetragon.KprobeArgument_StringArg{StringArg: validBytes(a.Bytes)}
	case ArgInt:
		m.Arg = &tetragon.KprobeArgument_IntArg{IntArg: int32(a.Int)}
	case ArgUint:
		m.Arg = &tetragon.KprobeArgument_UintArg{UintArg: uint32(a.Uint)}
	case ArgLong:
		m.Arg = &tetragon.KprobeArgument_LongArg{LongArg: a.Int}
	case ArgSize:
		m.Arg = &tetragon.KprobeArgument_SizeArg{SizeArg: a.Uint}
	case ArgBytes:
		m.Arg = &tetragon.KprobeArgument_BytesArg{BytesArg: append([]byte{}, a.Bytes...)}
	case ArgBPFCmd:
		m.Arg = &tetragon.KprobeArgument_BpfCmdArg{BpfCmdArg: tetragon.BpfCmd(a.Int)}
	case ArgKernelCap:
		m.Arg = &tetragon.KprobeArgument_KernelCapTArg{KernelCapTArg: capSet(a)}
	case ArgCapInheritable:
		m.Arg = &tetragon.KprobeArgument_CapInheritableArg{CapInheritableArg: capSet(a)}
	case ArgCapPermitted:
		m.Arg = &tetragon.KprobeArgument_CapPermittedArg{CapPermittedArg: capSet(a)}
	case ArgCapEffective:
		m.Arg = &tetragon.KprobeArgument_CapEffectiveArg{CapEffectiveArg: capSet(a)}
	default:
		return false
	}
	return true
}

// setTextArg sets the members that are messages of a few fields and reports whether a is one of them.
func setTextArg(m *tetragon.KprobeArgument, a *Arg) bool {
	switch a.Kind {
	case ArgPath:
		m.Arg = &tetragon.KprobeArgument_PathArg{PathArg: &tetragon.KprobePath{
			Mount: valid(a.Mount), Path: validBytes(a.Bytes), Flags: valid(a.Flags), Permission: permission(a),
		}}
	case ArgFile:
		m.Arg = &tetragon.KprobeArgument_FileArg{FileArg: &tetragon.KprobeFile{
			Mount: valid(a.Mount), Path: validBytes(a.Bytes), Flags: valid(a.Flags), Permission: permission(a),
		}}
	case ArgLinuxBinprm:
		m.Arg = &tetragon.KprobeArgument_LinuxBinprmArg{LinuxBinprmArg: &tetragon.KprobeLinuxBinprm{
			Path: validBytes(a.Bytes), Flags: valid(a.Flags), Permission: permission(a),
		}}
	case ArgTruncatedBytes:
		m.Arg = &tetragon.KprobeArgument_TruncatedBytesArg{TruncatedBytesArg: &tetragon.KprobeTruncatedBytes{
			BytesArg: append([]byte(nil), a.Bytes...), OrigSize: a.Uint,
		}}
	case ArgCapability:
		m.Arg = &tetragon.KprobeArgument_CapabilityArg{CapabilityArg: &tetragon.KprobeCapability{
			Value: wrapperspb.Int32(int32(a.Int)), Name: valid(a.Text),
		}}
	case ArgNetDev:
		m.Arg = &tetragon.KprobeArgument_NetDevArg{NetDevArg: &tetragon.KprobeNetDev{Name: validBytes(a.Bytes)}}
	case ArgSyscallID:
		m.Arg = &tetragon.KprobeArgument_SyscallId{SyscallId: &tetragon.SyscallId{
			Id: uint32(a.Uint), Abi: valid(a.Text),
		}}
	case ArgError:
		m.Arg = &tetragon.KprobeArgument_ErrorArg{ErrorArg: &tetragon.KprobeError{Message: validBytes(a.Bytes)}}
	case ArgSockaddrUn:
		m.Arg = &tetragon.KprobeArgument_SockaddrunArg{SockaddrunArg: &tetragon.KprobeSockaddrUn{
			Family: valid(a.Text), Path: validBytes(a.Bytes),
		}}
	default:
		return false
	}
	return true
}

// setDetailArg sets the members that [Arg.Detail] holds.
func setDetailArg(m *tetragon.KprobeArgument, a *Arg) {
	switch a.Kind {
	case ArgSock:
		m.Arg = &tetragon.KprobeArgument_SockArg{SockArg: protoSock(detail[Sock](a))}
	case ArgSkb:
		m.Arg = &tetragon.KprobeArgument_SkbArg{SkbArg: protoSkb(detail[Skb](a))}
	case ArgSockaddr:
		m.Arg = &tetragon.KprobeArgument_SockaddrArg{SockaddrArg: protoSockaddr(detail[Sockaddr](a))}
	case ArgBPFAttr:
		m.Arg = &tetragon.KprobeArgument_BpfAttrArg{BpfAttrArg: protoBPFAttr(detail[BPFProg](a))}
	case ArgBPFProg:
		m.Arg = &tetragon.KprobeArgument_BpfProgArg{BpfProgArg: protoBPFProg(detail[BPFProg](a))}
	case ArgBPFMap:
		m.Arg = &tetragon.KprobeArgument_BpfMapArg{BpfMapArg: protoBPFMap(detail[BPFMap](a))}
	case ArgPerfEvent:
		m.Arg = &tetragon.KprobeArgument_PerfEventArg{PerfEventArg: protoPerfEvent(detail[PerfEvent](a))}
	case ArgModule:
		m.Arg = &tetragon.KprobeArgument_ModuleArg{ModuleArg: protoModule(detail[Module](a))}
	case ArgCred:
		m.Arg = &tetragon.KprobeArgument_CredArg{CredArg: protoCred(detail[Capabilities](a))}
	case ArgProcessCreds:
		m.Arg = &tetragon.KprobeArgument_ProcessCredentialsArg{ProcessCredentialsArg: orEmpty(protoCredentials(detail[Credentials](a)))}
	case ArgUserNS:
		m.Arg = &tetragon.KprobeArgument_UserNsArg{UserNsArg: orEmpty(protoUserNS(detail[UserNamespace](a)))}
	case ArgUserNamespace:
		setOldUserNS(m, detail[UserNamespace](a))
	}
}

// detail returns the Detail of a if it is a *T, else nil.
func detail[T any](a *Arg) *T {
	d, _ := any(a.Detail).(*T)
	return d
}

// orEmpty returns m, or an empty message when it is nil: a member of a oneof has no other zero.
func orEmpty[T any](m *T) *T {
	if m == nil {
		return new(T)
	}
	return m
}

func validBytes(b []byte) string { return valid(string(b)) }

func permission(a *Arg) string {
	if a.Permission != "" || a.Mode == 0 {
		return valid(a.Permission)
	}
	return string(appendPermission(nil, a.Mode))
}

func capSet(a *Arg) string {
	if a.Bytes != nil {
		return validBytes(a.Bytes)
	}
	return string(appendHex16(nil, a.Uint))
}

func protoAddr(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return addr.WithZone("").String()
}

func protoSock(d *Sock) *tetragon.KprobeSock {
	if d == nil {
		return &tetragon.KprobeSock{}
	}
	return &tetragon.KprobeSock{
		Family:   valid(d.Family),
		Type:     valid(d.Type),
		Protocol: valid(d.Protocol),
		Mark:     d.Mark,
		Priority: d.Priority,
		Saddr:    protoAddr(d.Source),
		Daddr:    protoAddr(d.Destination),
		Sport:    uint32(d.SourcePort),
		Dport:    uint32(d.DestinationPort),
		Cookie:   d.Cookie,
		State:    valid(d.State),
	}
}

func protoSkb(d *Skb) *tetragon.KprobeSkb {
	if d == nil {
		return &tetragon.KprobeSkb{}
	}
	return &tetragon.KprobeSkb{
		Hash:        d.Hash,
		Len:         d.Len,
		Priority:    d.Priority,
		Mark:        d.Mark,
		Saddr:       protoAddr(d.Source),
		Daddr:       protoAddr(d.Destination),
		Sport:       uint32(d.SourcePort),
		Dport:       uint32(d.DestinationPort),
		Proto:       d.Proto,
		SecPathLen:  d.SecPathLen,
		SecPathOlen: d.SecPathOlen,
		Protocol:    valid(d.Protocol),
		Family:      valid(d.Family),
	}
}

func protoSockaddr(d *Sockaddr) *tetragon.KprobeSockaddr {
	if d == nil {
		return &tetragon.KprobeSockaddr{}
	}
	return &tetragon.KprobeSockaddr{Family: valid(d.Family), Addr: protoAddr(d.Addr), Port: uint32(d.Port)}
}

func protoBPFAttr(d *BPFProg) *tetragon.KprobeBpfAttr {
	if d == nil {
		return &tetragon.KprobeBpfAttr{}
	}
	return &tetragon.KprobeBpfAttr{ProgType: valid(d.Type), InsnCnt: d.Insns, ProgName: valid(d.Name)}
}

func protoBPFProg(d *BPFProg) *tetragon.KprobeBpfProg {
	if d == nil {
		return &tetragon.KprobeBpfProg{}
	}
	return &tetragon.KprobeBpfProg{ProgType: valid(d.Type), InsnCnt: d.Insns, ProgName: valid(d.Name)}
}

func protoBPFMap(d *BPFMap) *tetragon.KprobeBpfMap {
	if d == nil {
		return &tetragon.KprobeBpfMap{}
	}
	return &tetragon.KprobeBpfMap{
		MapType:    valid(d.Type),
		KeySize:    d.KeySize,
		ValueSize:  d.ValueSize,
		MaxEntries: d.MaxEntries,
		MapName:    valid(d.Name),
	}
}

func protoPerfEvent(d *PerfEvent) *tetragon.KprobePerfEvent {
	if d == nil {
		return &tetragon.KprobePerfEvent{}
	}
	return &tetragon.KprobePerfEvent{
		KprobeFunc:  valid(d.Function),
		Type:        valid(d.Type),
		Config:      d.Config,
		ProbeOffset: d.ProbeOffset,
	}
}

func protoModule(d *Module) *tetragon.KernelModule {
	if d == nil {
		return &tetragon.KernelModule{}
	}
	m := &tetragon.KernelModule{Name: valid(d.Name), Tainted: bitTypes[tetragon.TaintedBitsType](d.Taints)}
	if d.SignatureOK.Set {
		m.SignatureOk = wrapperspb.Bool(d.SignatureOK.Value)
	}
	return m
}

func protoCred(d *Capabilities) *tetragon.KprobeCred {
	if d == nil {
		return &tetragon.KprobeCred{}
	}
	return &tetragon.KprobeCred{
		Permitted:   capabilityTypes(d.Permitted),
		Effective:   capabilityTypes(d.Effective),
		Inheritable: capabilityTypes(d.Inheritable),
	}
}

// setOldUserNS sets the deprecated member, which only events of older agents have.
func setOldUserNS(m *tetragon.KprobeArgument, d *UserNamespace) {
	old := &tetragon.KprobeUserNamespace{}
	if d != nil {
		old.Level = wrapperspb.Int32(d.Level)
		old.Owner = wrapperspb.UInt32(d.UID)
		old.Group = wrapperspb.UInt32(d.GID)
		old.Ns = protoNamespace(d.NS)
	}
	//lint:ignore SA1019 events of older agents have it
	m.Arg = &tetragon.KprobeArgument_UserNamespaceArg{UserNamespaceArg: old}
}
