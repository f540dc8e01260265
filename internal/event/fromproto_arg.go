// SPDX-License-Identifier: Apache-2.0

package event

import (
	"net/netip"

	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
)

func argOf(p **tetragon.KprobeArgument) Arg {
	m := *p
	a, ok := scalarArgOf(m)
	if !ok {
		a, ok = textArgOf(m)
	}
	if !ok {
		a = detailArgOf(m)
	}
	a.Label = m.GetLabel()
	return a
}

func scalarArgOf(m *tetragon.KprobeArgument) (Arg, bool) {
	switch v := m.GetArg().(type) {
	case *tetragon.KprobeArgument_StringArg:
		return Arg{Kind: ArgString, Bytes: []byte(v.StringArg)}, true
	case *tetragon.KprobeArgument_IntArg:
		return Arg{Kind: ArgInt, Int: int64(v.IntArg)}, true
	case *tetragon.KprobeArgument_UintArg:
		return Arg{Kind: ArgUint, Uint: uint64(v.UintArg)}, true
	case *tetragon.KprobeArgument_LongArg:
		return Arg{Kind: ArgLong, Int: v.LongArg}, true
	case *tetragon.KprobeArgument_SizeArg:
		return Arg{Kind: ArgSize, Uint: v.SizeArg}, true
	case *tetragon.KprobeArgument_BytesArg:
		return Arg{Kind: ArgBytes, Bytes: append([]byte(nil), v.BytesArg...)}, true
	case *tetragon.KprobeArgument_BpfCmdArg:
		return Arg{Kind: ArgBPFCmd, Int: int64(v.BpfCmdArg)}, true
	case *tetragon.KprobeArgument_KernelCapTArg:
		return Arg{Kind: ArgKernelCap, Bytes: []byte(v.KernelCapTArg)}, true
	case *tetragon.KprobeArgument_CapInheritableArg:
		return Arg{Kind: ArgCapInheritable, Bytes: []byte(v.CapInheritableArg)}, true
	case *tetragon.KprobeArgument_CapPermittedArg:
		return Arg{Kind: ArgCapPermitted, Bytes: []byte(v.CapPermittedArg)}, true
	case *tetragon.KprobeArgument_CapEffectiveArg:
		return Arg{Kind: ArgCapEffective, Bytes: []byte(v.CapEffectiveArg)}, true
	default:
		return Arg{}, false
	}
}

func textArgOf(m *tetragon.KprobeArgument) (Arg, bool) {
	switch v := m.GetArg().(type) {
	case *tetragon.KprobeArgument_PathArg:
		a := pathArgOf(ArgPath, v.PathArg)
		a.Mount = v.PathArg.GetMount()
		return a, true
	case *tetragon.KprobeArgument_FileArg:
		a := pathArgOf(ArgFile, v.FileArg)
		a.Mount = v.FileArg.GetMount()
		return a, true
	case *tetragon.KprobeArgument_LinuxBinprmArg:
		return pathArgOf(ArgLinuxBinprm, v.LinuxBinprmArg), true
	case *tetragon.KprobeArgument_TruncatedBytesArg:
		t := v.TruncatedBytesArg
		return Arg{Kind: ArgTruncatedBytes, Bytes: append([]byte(nil), t.GetBytesArg()...), Uint: t.GetOrigSize()}, true
	case *tetragon.KprobeArgument_CapabilityArg:
		c := v.CapabilityArg
		return Arg{Kind: ArgCapability, Int: int64(c.GetValue().GetValue()), Text: c.GetName()}, true
	case *tetragon.KprobeArgument_NetDevArg:
		return Arg{Kind: ArgNetDev, Bytes: []byte(v.NetDevArg.GetName())}, true
	case *tetragon.KprobeArgument_SyscallId:
		return Arg{Kind: ArgSyscallID, Uint: uint64(v.SyscallId.GetId()), Text: v.SyscallId.GetAbi()}, true
	case *tetragon.KprobeArgument_ErrorArg:
		return Arg{Kind: ArgError, Bytes: []byte(v.ErrorArg.GetMessage())}, true
	case *tetragon.KprobeArgument_SockaddrunArg:
		s := v.SockaddrunArg
		return Arg{Kind: ArgSockaddrUn, Bytes: []byte(s.GetPath()), Text: s.GetFamily()}, true
	default:
		return Arg{}, false
	}
}

// pathMember is what paths, files and binprms have.
type pathMember interface {
	GetPath() string
	GetFlags() string
	GetPermission() string
}

func pathArgOf(kind ArgKind, m pathMember) Arg {
	return Arg{Kind: kind, Bytes: []byte(m.GetPath()), Flags: m.GetFlags(), Permission: m.GetPermission()}
}

func detailArgOf(m *tetragon.KprobeArgument) Arg {
	switch v := m.GetArg().(type) {
	case *tetragon.KprobeArgument_SockArg:
		return Arg{Kind: ArgSock, Detail: sockOf(v.SockArg)}
	case *tetragon.KprobeArgument_SkbArg:
		return Arg{Kind: ArgSkb, Detail: skbOf(v.SkbArg)}
	case *tetragon.KprobeArgument_SockaddrArg:
		s := v.SockaddrArg
		return Arg{Kind: ArgSockaddr, Detail: &Sockaddr{
			Family: s.GetFamily(), Addr: addrOf(s.GetAddr()), Port: uint16(s.GetPort()),
		}}
	case *tetragon.KprobeArgument_BpfAttrArg:
		return Arg{Kind: ArgBPFAttr, Detail: bpfProgOf(v.BpfAttrArg)}
	case *tetragon.KprobeArgument_BpfProgArg:
		return Arg{Kind: ArgBPFProg, Detail: bpfProgOf(v.BpfProgArg)}
	case *tetragon.KprobeArgument_BpfMapArg:
		return Arg{Kind: ArgBPFMap, Detail: bpfMapOf(v.BpfMapArg)}
	case *tetragon.KprobeArgument_PerfEventArg:
		p := v.PerfEventArg
		return Arg{Kind: ArgPerfEvent, Detail: &PerfEvent{
			Function: p.GetKprobeFunc(), Type: p.GetType(), Config: p.GetConfig(), ProbeOffset: p.GetProbeOffset(),
		}}
	case *tetragon.KprobeArgument_ModuleArg:
		return Arg{Kind: ArgModule, Detail: moduleOf(v.ModuleArg)}
	case *tetragon.KprobeArgument_CredArg:
		return Arg{Kind: ArgCred, Detail: capabilitiesOf(v.CredArg)}
	case *tetragon.KprobeArgument_ProcessCredentialsArg:
		if proto.Size(v.ProcessCredentialsArg) == 0 {
			return Arg{Kind: ArgProcessCreds}
		}
		return Arg{Kind: ArgProcessCreds, Detail: credentialsOf(v.ProcessCredentialsArg)}
	case *tetragon.KprobeArgument_UserNsArg:
		if proto.Size(v.UserNsArg) == 0 {
			return Arg{Kind: ArgUserNS}
		}
		return Arg{Kind: ArgUserNS, Detail: userNSOf(v.UserNsArg)}
	case *tetragon.KprobeArgument_UserNamespaceArg:
		//lint:ignore SA1019 events of older agents have it
		return oldUserNSArgOf(v.UserNamespaceArg)
	default:
		return Arg{}
	}
}

func oldUserNSArgOf(m *tetragon.KprobeUserNamespace) Arg {
	if proto.Size(m) == 0 {
		return Arg{Kind: ArgUserNamespace}
	}
	return Arg{Kind: ArgUserNamespace, Detail: &UserNamespace{
		Level: m.GetLevel().GetValue(),
		UID:   m.GetOwner().GetValue(),
		GID:   m.GetGroup().GetValue(),
		NS:    namespaceOf(m.GetNs()),
	}}
}

// addrOf returns the address without zone, and no address when s is none.
func addrOf(s string) netip.Addr {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.WithZone("")
}

func sockOf(m *tetragon.KprobeSock) *Sock {
	return &Sock{
		Family:          m.GetFamily(),
		Type:            m.GetType(),
		Protocol:        m.GetProtocol(),
		State:           m.GetState(),
		Mark:            m.GetMark(),
		Priority:        m.GetPriority(),
		Source:          addrOf(m.GetSaddr()),
		Destination:     addrOf(m.GetDaddr()),
		SourcePort:      uint16(m.GetSport()),
		DestinationPort: uint16(m.GetDport()),
		Cookie:          m.GetCookie(),
	}
}

func skbOf(m *tetragon.KprobeSkb) *Skb {
	return &Skb{
		Family:          m.GetFamily(),
		Protocol:        m.GetProtocol(),
		Hash:            m.GetHash(),
		Len:             m.GetLen(),
		Priority:        m.GetPriority(),
		Mark:            m.GetMark(),
		Source:          addrOf(m.GetSaddr()),
		Destination:     addrOf(m.GetDaddr()),
		SourcePort:      uint16(m.GetSport()),
		DestinationPort: uint16(m.GetDport()),
		Proto:           m.GetProto(),
		SecPathLen:      m.GetSecPathLen(),
		SecPathOlen:     m.GetSecPathOlen(),
	}
}

// bpfProgMember is what the two messages about a BPF program have.
type bpfProgMember interface {
	GetProgType() string
	GetInsnCnt() uint32
	GetProgName() string
}

func bpfProgOf(m bpfProgMember) *BPFProg {
	return &BPFProg{Type: m.GetProgType(), Insns: m.GetInsnCnt(), Name: m.GetProgName()}
}

func bpfMapOf(m *tetragon.KprobeBpfMap) *BPFMap {
	return &BPFMap{
		Type:       m.GetMapType(),
		KeySize:    m.GetKeySize(),
		ValueSize:  m.GetValueSize(),
		MaxEntries: m.GetMaxEntries(),
		Name:       m.GetMapName(),
	}
}

func moduleOf(m *tetragon.KernelModule) *Module {
	signature := m.GetSignatureOk()
	return &Module{
		Name:        m.GetName(),
		SignatureOK: Optional[bool]{Value: signature.GetValue(), Set: signature != nil},
		Taints:      bitsOf(m.GetTainted()),
	}
}
