// SPDX-License-Identifier: Apache-2.0

package event

func optArgs(dst []byte, key string, args []Arg) []byte {
	if len(args) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for i := range args {
		dst = append(appendArg(dst, &args[i]), ',')
	}
	return closeList(dst)
}

func appendArg(dst []byte, a *Arg) []byte {
	dst = append(dst, '{')
	dst = appendArgValue(dst, a)
	dst = optString(dst, `"label":`, a.Label)
	return append(dst, '}')
}

// appendArgValue appends the member of the arg oneof, which is written even when it is zero.
func appendArgValue(dst []byte, a *Arg) []byte {
	switch a.Kind {
	case ArgString:
		return appendString(dst, `"string_arg":`, text(a.Bytes))
	case ArgInt:
		return appendInt(dst, `"int_arg":`, int64(int32(a.Int)))
	case ArgUint:
		return appendUint(dst, `"uint_arg":`, uint64(uint32(a.Uint)))
	case ArgLong:
		return appendInt64(dst, `"long_arg":`, a.Int)
	case ArgSize:
		return appendUint64(dst, `"size_arg":`, a.Uint)
	case ArgBytes:
		return appendBase64(dst, `"bytes_arg":`, a.Bytes)
	case ArgBPFCmd:
		return bpfCmdNames.append(appendKey(dst, `"bpf_cmd_arg":`), int64(int32(a.Int)))
	case ArgKernelCap:
		return appendCapSet(dst, `"kernel_cap_t_arg":`, a)
	case ArgCapInheritable:
		return appendCapSet(dst, `"cap_inheritable_arg":`, a)
	case ArgCapPermitted:
		return appendCapSet(dst, `"cap_permitted_arg":`, a)
	case ArgCapEffective:
		return appendCapSet(dst, `"cap_effective_arg":`, a)
	default:
		return appendArgMessage(dst, a)
	}
}

// appendArgMessage appends those members that are messages.
func appendArgMessage(dst []byte, a *Arg) []byte {
	if int(a.Kind) >= len(argMessageKeys) || argMessageKeys[a.Kind] == "" {
		return dst
	}
	dst = openObject(dst, argMessageKeys[a.Kind])
	switch a.Kind {
	case ArgPath, ArgFile, ArgLinuxBinprm:
		dst = appendPathArg(dst, a)
	case ArgTruncatedBytes:
		dst = optBase64(dst, `"bytes_arg":`, a.Bytes)
		dst = optUint64(dst, `"orig_size":`, a.Uint)
	case ArgCapability:
		dst = appendInt(dst, `"value":`, int64(int32(a.Int)))
		dst = optString(dst, `"name":`, a.Text)
	case ArgNetDev:
		dst = optString(dst, `"name":`, text(a.Bytes))
	case ArgSyscallID:
		dst = optUint(dst, `"id":`, uint64(uint32(a.Uint)))
		dst = optString(dst, `"abi":`, a.Text)
	case ArgError:
		dst = optString(dst, `"Message":`, text(a.Bytes))
	case ArgSockaddrUn:
		dst = optString(dst, `"family":`, a.Text)
		dst = optString(dst, `"path":`, text(a.Bytes))
	default:
		dst = appendDetail(dst, a)
	}
	return append(dst, '}')
}

var argMessageKeys = [...]string{
	ArgSkb:            `"skb_arg":`,
	ArgPath:           `"path_arg":`,
	ArgFile:           `"file_arg":`,
	ArgTruncatedBytes: `"truncated_bytes_arg":`,
	ArgSock:           `"sock_arg":`,
	ArgCred:           `"cred_arg":`,
	ArgBPFAttr:        `"bpf_attr_arg":`,
	ArgPerfEvent:      `"perf_event_arg":`,
	ArgBPFMap:         `"bpf_map_arg":`,
	ArgUserNamespace:  `"user_namespace_arg":`,
	ArgCapability:     `"capability_arg":`,
	ArgProcessCreds:   `"process_credentials_arg":`,
	ArgUserNS:         `"user_ns_arg":`,
	ArgModule:         `"module_arg":`,
	ArgLinuxBinprm:    `"linux_binprm_arg":`,
	ArgNetDev:         `"net_dev_arg":`,
	ArgSyscallID:      `"syscall_id":`,
	ArgSockaddr:       `"sockaddr_arg":`,
	ArgBPFProg:        `"bpf_prog_arg":`,
	ArgError:          `"error_arg":`,
	ArgSockaddrUn:     `"sockaddrun_arg":`,
}

func appendPathArg(dst []byte, a *Arg) []byte {
	if a.Kind != ArgLinuxBinprm {
		dst = optString(dst, `"mount":`, a.Mount)
	}
	dst = optString(dst, `"path":`, text(a.Bytes))
	dst = optString(dst, `"flags":`, a.Flags)
	if a.Permission != "" || a.Mode == 0 {
		return optString(dst, `"permission":`, a.Permission)
	}
	dst = append(appendKey(dst, `"permission":`), '"')
	return append(appendPermission(dst, a.Mode), '"')
}

func appendCapSet(dst []byte, key string, a *Arg) []byte {
	if a.Bytes != nil {
		return appendString(dst, key, text(a.Bytes))
	}
	dst = append(appendKey(dst, key), '"')
	return append(appendHex16(dst, a.Uint), '"')
}

// appendHex16 appends v as 16 hexadecimal digits.
func appendHex16(dst []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&15])
	}
	return dst
}
