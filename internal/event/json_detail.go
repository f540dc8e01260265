// SPDX-License-Identifier: Apache-2.0

package event

// appendDetail appends the fields of a's Detail. One that is not the structure that the kind calls for
// counts as none, so that it is not encoded as something it is not.
func appendDetail(dst []byte, a *Arg) []byte {
	switch a.Kind {
	case ArgSock:
		return appendDetailAs(dst, a, appendSock)
	case ArgSkb:
		return appendDetailAs(dst, a, appendSkb)
	case ArgSockaddr:
		return appendDetailAs(dst, a, appendSockaddr)
	case ArgBPFAttr, ArgBPFProg:
		return appendDetailAs(dst, a, appendBPFProg)
	case ArgBPFMap:
		return appendDetailAs(dst, a, appendBPFMap)
	case ArgPerfEvent:
		return appendDetailAs(dst, a, appendPerfEvent)
	case ArgModule:
		return appendDetailAs(dst, a, appendModule)
	case ArgCred:
		return appendDetailAs(dst, a, appendCapsFields)
	case ArgProcessCreds:
		return appendDetailAs(dst, a, appendCredentialsFields)
	case ArgUserNS:
		return appendDetailAs(dst, a, appendUserNSFields)
	case ArgUserNamespace:
		return appendDetailAs(dst, a, appendOldUserNSFields)
	default:
		return dst
	}
}

func appendDetailAs[T any](dst []byte, a *Arg, fields func([]byte, *T) []byte) []byte {
	if detail, ok := any(a.Detail).(*T); ok && detail != nil {
		return fields(dst, detail)
	}
	return dst
}

func appendSock(dst []byte, d *Sock) []byte {
	dst = optString(dst, `"family":`, d.Family)
	dst = optString(dst, `"type":`, d.Type)
	dst = optString(dst, `"protocol":`, d.Protocol)
	dst = optUint(dst, `"mark":`, uint64(d.Mark))
	dst = optUint(dst, `"priority":`, uint64(d.Priority))
	dst = optAddr(dst, `"saddr":`, d.Source)
	dst = optAddr(dst, `"daddr":`, d.Destination)
	dst = optUint(dst, `"sport":`, uint64(d.SourcePort))
	dst = optUint(dst, `"dport":`, uint64(d.DestinationPort))
	dst = optUint64(dst, `"cookie":`, d.Cookie)
	return optString(dst, `"state":`, d.State)
}

func appendSkb(dst []byte, d *Skb) []byte {
	dst = optUint(dst, `"hash":`, uint64(d.Hash))
	dst = optUint(dst, `"len":`, uint64(d.Len))
	dst = optUint(dst, `"priority":`, uint64(d.Priority))
	dst = optUint(dst, `"mark":`, uint64(d.Mark))
	dst = optAddr(dst, `"saddr":`, d.Source)
	dst = optAddr(dst, `"daddr":`, d.Destination)
	dst = optUint(dst, `"sport":`, uint64(d.SourcePort))
	dst = optUint(dst, `"dport":`, uint64(d.DestinationPort))
	dst = optUint(dst, `"proto":`, uint64(d.Proto))
	dst = optUint(dst, `"sec_path_len":`, uint64(d.SecPathLen))
	dst = optUint(dst, `"sec_path_olen":`, uint64(d.SecPathOlen))
	dst = optString(dst, `"protocol":`, d.Protocol)
	return optString(dst, `"family":`, d.Family)
}

func appendSockaddr(dst []byte, d *Sockaddr) []byte {
	dst = optString(dst, `"family":`, d.Family)
	dst = optAddr(dst, `"addr":`, d.Addr)
	return optUint(dst, `"port":`, uint64(d.Port))
}

func appendBPFProg(dst []byte, d *BPFProg) []byte {
	dst = optString(dst, `"ProgType":`, d.Type)
	dst = optUint(dst, `"InsnCnt":`, uint64(d.Insns))
	return optString(dst, `"ProgName":`, d.Name)
}

func appendBPFMap(dst []byte, d *BPFMap) []byte {
	dst = optString(dst, `"MapType":`, d.Type)
	dst = optUint(dst, `"KeySize":`, uint64(d.KeySize))
	dst = optUint(dst, `"ValueSize":`, uint64(d.ValueSize))
	dst = optUint(dst, `"MaxEntries":`, uint64(d.MaxEntries))
	return optString(dst, `"MapName":`, d.Name)
}

func appendPerfEvent(dst []byte, d *PerfEvent) []byte {
	dst = optString(dst, `"KprobeFunc":`, d.Function)
	dst = optString(dst, `"Type":`, d.Type)
	dst = optUint64(dst, `"Config":`, d.Config)
	return optUint64(dst, `"ProbeOffset":`, d.ProbeOffset)
}

func appendModule(dst []byte, d *Module) []byte {
	dst = optString(dst, `"name":`, d.Name)
	if d.SignatureOK.Set {
		dst = appendBool(dst, `"signature_ok":`, d.SignatureOK.Value)
	}
	return optBits(dst, `"tainted":`, taintBitNames, uint64(d.Taints))
}

// appendOldUserNSFields appends the user namespace as the deprecated KprobeUserNamespace.
func appendOldUserNSFields(dst []byte, ns *UserNamespace) []byte {
	dst = appendInt(dst, `"level":`, int64(ns.Level))
	dst = appendUint(dst, `"owner":`, uint64(ns.UID))
	dst = appendUint(dst, `"group":`, uint64(ns.GID))
	return optNamespace(dst, `"ns":`, ns.NS)
}
