// SPDX-License-Identifier: Apache-2.0

package event

func appendKprobe(dst []byte, e *Event) []byte {
	h := &e.Hook
	dst = openObject(dst, `"process_kprobe":`)
	dst = appendProcesses(dst, e)
	dst = optString(dst, `"function_name":`, h.Function)
	dst = optArgs(dst, `"args":`, h.Args)
	if h.Return != nil {
		dst = appendArg(appendKey(dst, `"return":`), h.Return)
	}
	dst = optAction(dst, `"action":`, h.Action)
	dst = optStack(dst, `"kernel_stack_trace":`, h.KernelStack)
	dst = optString(dst, `"policy_name":`, h.PolicyName)
	dst = optAction(dst, `"return_action":`, h.ReturnAction)
	dst = optString(dst, `"message":`, h.Message)
	dst = optStrings(dst, `"tags":`, h.Tags)
	dst = optStack(dst, `"user_stack_trace":`, h.UserStack)
	dst = optAncestors(dst, e)
	dst = optArgs(dst, `"data":`, h.Data)
	return append(dst, '}')
}

func appendTracepoint(dst []byte, e *Event) []byte {
	h := &e.Hook
	dst = openObject(dst, `"process_tracepoint":`)
	dst = appendProcesses(dst, e)
	dst = optString(dst, `"subsys":`, h.Subsystem)
	dst = optString(dst, `"event":`, h.Event)
	dst = optArgs(dst, `"args":`, h.Args)
	dst = optString(dst, `"policy_name":`, h.PolicyName)
	dst = optAction(dst, `"action":`, h.Action)
	dst = optString(dst, `"message":`, h.Message)
	dst = optStrings(dst, `"tags":`, h.Tags)
	dst = optAncestors(dst, e)
	return append(dst, '}')
}

func appendUprobe(dst []byte, e *Event) []byte {
	h := &e.Hook
	dst = openObject(dst, `"process_uprobe":`)
	dst = appendProcesses(dst, e)
	dst = optString(dst, `"path":`, h.Path)
	dst = optString(dst, `"symbol":`, h.Symbol)
	dst = optString(dst, `"policy_name":`, h.PolicyName)
	dst = optString(dst, `"message":`, h.Message)
	dst = optArgs(dst, `"args":`, h.Args)
	dst = optStrings(dst, `"tags":`, h.Tags)
	dst = optAncestors(dst, e)
	dst = optUint64(dst, `"offset":`, h.Offset)
	dst = optUint64(dst, `"ref_ctr_offset":`, h.RefCtrOffset)
	dst = optAction(dst, `"action":`, h.Action)
	dst = optArgs(dst, `"data":`, h.Data)
	return append(dst, '}')
}

func appendUsdt(dst []byte, e *Event) []byte {
	h := &e.Hook
	dst = openObject(dst, `"process_usdt":`)
	dst = appendProcesses(dst, e)
	dst = optString(dst, `"path":`, h.Path)
	dst = optString(dst, `"provider":`, h.Provider)
	dst = optString(dst, `"name":`, h.Name)
	dst = optString(dst, `"policy_name":`, h.PolicyName)
	dst = optString(dst, `"message":`, h.Message)
	dst = optArgs(dst, `"args":`, h.Args)
	dst = optStrings(dst, `"tags":`, h.Tags)
	dst = optAncestors(dst, e)
	dst = optAction(dst, `"action":`, h.Action)
	dst = optString(dst, `"flags":`, h.Flags)
	return append(dst, '}')
}

func appendLSM(dst []byte, e *Event) []byte {
	h := &e.Hook
	dst = openObject(dst, `"process_lsm":`)
	dst = appendProcesses(dst, e)
	dst = optString(dst, `"function_name":`, h.Function)
	dst = optString(dst, `"policy_name":`, h.PolicyName)
	dst = optString(dst, `"message":`, h.Message)
	dst = optArgs(dst, `"args":`, h.Args)
	dst = optAction(dst, `"action":`, h.Action)
	dst = optStrings(dst, `"tags":`, h.Tags)
	dst = optAncestors(dst, e)
	dst = optString(dst, `"ima_hash":`, h.IMAHash)
	return append(dst, '}')
}

func optAction(dst []byte, key string, action Action) []byte {
	if action == ActionOmitted {
		return dst
	}
	return actionNames.append(appendKey(dst, key), int64(orPost(action)))
}

func optStack(dst []byte, key string, frames []StackFrame) []byte {
	if len(frames) == 0 {
		return dst
	}
	dst = append(appendKey(dst, key), '[')
	for i := range frames {
		dst = append(dst, '{')
		dst = optUint64(dst, `"address":`, frames[i].Address)
		dst = optUint64(dst, `"offset":`, frames[i].Offset)
		dst = optString(dst, `"symbol":`, frames[i].Symbol)
		dst = optString(dst, `"module":`, frames[i].Module)
		dst = append(dst, '}', ',')
	}
	return closeList(dst)
}
