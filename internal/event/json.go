// SPDX-License-Identifier: Apache-2.0

package event

// AppendJSON appends e to dst as one JSON object, without a line break, and returns the longer slice.
// The content is what protojson makes of [ToProto] with UseProtoNames, fields in the same order: zero
// values are left out, 64-bit numbers are strings, bytes are base64, enums are names. It allocates
// only when dst is too small. An event of unknown kind has no member of its own.
func AppendJSON(dst []byte, e *Event) []byte {
	dst = append(dst, '{')
	dst = appendMember(dst, e)
	dst = optString(dst, `"node_name":`, e.NodeName)
	dst = optTime(dst, `"time":`, e.Time)
	if e.Aggregated.Set {
		dst = openObject(dst, `"aggregation_info":`)
		dst = optUint64(dst, `"count":`, e.Aggregated.Value)
		dst = append(dst, '}')
	}
	dst = optString(dst, `"cluster_name":`, e.ClusterName)
	dst = optLabels(dst, `"node_labels":`, e.NodeLabels)
	return append(dst, '}')
}

func appendMember(dst []byte, e *Event) []byte {
	switch e.Kind {
	case KindExec:
		return appendExec(dst, e)
	case KindExit:
		return appendExit(dst, e)
	case KindKprobe:
		return appendKprobe(dst, e)
	case KindTracepoint:
		return appendTracepoint(dst, e)
	case KindLoader:
		return appendLoader(dst, e)
	case KindUprobe:
		return appendUprobe(dst, e)
	case KindThrottle:
		return appendThrottle(dst, e)
	case KindLSM:
		return appendLSM(dst, e)
	case KindUsdt:
		return appendUsdt(dst, e)
	case KindTest:
		return appendTest(dst, e)
	case KindRateLimit:
		return appendRateLimit(dst, e)
	case KindLost:
		return appendLost(dst, e)
	default:
		return dst
	}
}

func appendExec(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"process_exec":`)
	dst = appendProcesses(dst, e)
	dst = optAncestors(dst, e)
	return append(dst, '}')
}

func appendExit(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"process_exit":`)
	dst = appendProcesses(dst, e)
	dst = optString(dst, `"signal":`, e.Exit.Signal)
	dst = optUint(dst, `"status":`, uint64(e.Exit.Status))
	dst = optTime(dst, `"time":`, e.Exit.Time)
	dst = optAncestors(dst, e)
	return append(dst, '}')
}

func appendLoader(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"process_loader":`)
	dst = optProcess(dst, `"process":`, e.Process, e.TID)
	dst = optString(dst, `"path":`, text(e.Loader.Path))
	dst = optBase64(dst, `"buildid":`, e.Loader.BuildID)
	dst = optProcess(dst, `"parent":`, e.Parent, 0)
	dst = optAncestors(dst, e)
	return append(dst, '}')
}

func appendThrottle(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"process_throttle":`)
	if e.Throttle.Type != 0 {
		dst = throttleNames.append(appendKey(dst, `"type":`), int64(e.Throttle.Type))
	}
	dst = optString(dst, `"cgroup":`, e.Throttle.Cgroup)
	return append(dst, '}')
}

func appendTest(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"test":`)
	dst = optUint64(dst, `"arg0":`, e.Test[0])
	dst = optUint64(dst, `"arg1":`, e.Test[1])
	dst = optUint64(dst, `"arg2":`, e.Test[2])
	dst = optUint64(dst, `"arg3":`, e.Test[3])
	return append(dst, '}')
}

func appendRateLimit(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"rate_limit_info":`)
	dst = optUint64(dst, `"number_of_dropped_process_events":`, e.RateLimited)
	return append(dst, '}')
}

func appendLost(dst []byte, e *Event) []byte {
	dst = openObject(dst, `"vedette_lost_events":`)
	dst = optString(dst, `"stage":`, e.Lost.Stage)
	dst = optString(dst, `"cause":`, e.Lost.Cause)
	dst = optUint64(dst, `"count":`, e.Lost.Count)
	return append(dst, '}')
}

func appendProcesses(dst []byte, e *Event) []byte {
	dst = optProcess(dst, `"process":`, e.Process, e.TID)
	return optProcess(dst, `"parent":`, e.Parent, 0)
}

func optAncestors(dst []byte, e *Event) []byte {
	if len(e.Ancestors) == 0 {
		return dst
	}
	dst = append(appendKey(dst, `"ancestors":`), '[')
	for _, ancestor := range e.Ancestors {
		dst = append(appendProcess(dst, ancestor, 0), ',')
	}
	return closeList(dst)
}
