// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/api/tetragon"
)

// kprobeText spells an event as rows expect it: what was called with which arguments, what it returned, and the
// action where it is not the plain one. Everything that the policy adds comes last.
//
//	SIGKILL sys_read(file /etc/passwd -rw-r--r--, size 4096) = int 12 "message" [tags]
func kprobeText(k *tetragon.ProcessKprobe) string {
	text := actionText(k.Action) + strings.TrimPrefix(k.FunctionName, "__x64_") + argsText(k.Args) + dataText(k.Data)
	if k.Return != nil {
		text += " = " + argText(k.Return)
	}
	if k.ReturnAction != tetragon.KprobeAction_KPROBE_ACTION_POST {
		text += " return action " + k.ReturnAction.String()
	}
	return text + noteText(k.Message, k.Tags)
}

func tracepointText(k *tetragon.ProcessTracepoint) string {
	return actionText(k.Action) + k.Subsys + "/" + k.Event + argsText(k.Args) + noteText(k.Message, k.Tags)
}

// uprobeText spells the event of a uprobe. The return value is the last of its arguments.
func uprobeText(k *tetragon.ProcessUprobe) string {
	text := actionText(k.Action) + k.Path + ":" + k.Symbol + fmt.Sprintf("@%#x", k.Offset)
	if k.RefCtrOffset != 0 {
		text += fmt.Sprintf("/%#x", k.RefCtrOffset)
	}
	return text + argsText(k.Args) + dataText(k.Data) + noteText(k.Message, k.Tags)
}

// dataText spells what an event has beside its arguments, "" for nothing.
func dataText(data []*tetragon.KprobeArgument) string {
	if len(data) == 0 {
		return ""
	}
	return " data" + argsText(data)
}

func lsmText(k *tetragon.ProcessLsm) string {
	text := actionText(k.Action) + k.FunctionName + argsText(k.Args) + noteText(k.Message, k.Tags)
	if k.ImaHash != "" {
		text += " " + k.ImaHash
	}
	return text
}

func usdtText(k *tetragon.ProcessUsdt) string {
	return actionText(k.Action) + k.Path + ":" + k.Provider + ":" + k.Name + argsText(k.Args) + noteText(k.Message, k.Tags)
}

func actionText(a tetragon.KprobeAction) string {
	if a == tetragon.KprobeAction_KPROBE_ACTION_POST {
		return ""
	}
	return strings.TrimPrefix(a.String(), "KPROBE_ACTION_") + " "
}

func argsText(args []*tetragon.KprobeArgument) string {
	var all []string
	for _, a := range args {
		all = append(all, argText(a))
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func noteText(message string, tags []string) string {
	var text string
	if message != "" {
		text = " " + strconv.Quote(message)
	}
	if len(tags) > 0 {
		text += fmt.Sprintf(" %q", tags)
	}
	return text
}

// argText spells the kind of an argument and its value.
func argText(a *tetragon.KprobeArgument) string {
	text := valueText(a)
	if a.Label != "" {
		text = a.Label + ": " + text
	}
	return text
}

func valueText(a *tetragon.KprobeArgument) string {
	switch v := a.Arg.(type) {
	case *tetragon.KprobeArgument_IntArg:
		return fmt.Sprintf("int %d", v.IntArg)
	case *tetragon.KprobeArgument_UintArg:
		return fmt.Sprintf("uint %d", v.UintArg)
	case *tetragon.KprobeArgument_LongArg:
		return fmt.Sprintf("long %d", v.LongArg)
	case *tetragon.KprobeArgument_SizeArg:
		return fmt.Sprintf("size %d", v.SizeArg)
	case *tetragon.KprobeArgument_StringArg:
		return "string " + long(v.StringArg)
	case *tetragon.KprobeArgument_BytesArg:
		return "bytes " + long(string(v.BytesArg))
	case *tetragon.KprobeArgument_TruncatedBytesArg:
		return fmt.Sprintf("truncated bytes %s of %d", long(string(v.TruncatedBytesArg.BytesArg)), v.TruncatedBytesArg.OrigSize)
	case *tetragon.KprobeArgument_FileArg:
		return "file " + pathText(v.FileArg.Path, v.FileArg.Flags, v.FileArg.Permission)
	case *tetragon.KprobeArgument_PathArg:
		return "path " + pathText(v.PathArg.Path, v.PathArg.Flags, v.PathArg.Permission)
	case *tetragon.KprobeArgument_SyscallId:
		return fmt.Sprintf("syscall %d %s", v.SyscallId.Id, v.SyscallId.Abi)
	case *tetragon.KprobeArgument_SockArg:
		return sockText(v.SockArg)
	case *tetragon.KprobeArgument_SkbArg:
		return skbText(v.SkbArg)
	case *tetragon.KprobeArgument_SockaddrArg:
		return sockaddrText(v.SockaddrArg)
	case *tetragon.KprobeArgument_SockaddrunArg:
		return "sockaddr_un " + v.SockaddrunArg.Family + " " + long(v.SockaddrunArg.Path)
	case *tetragon.KprobeArgument_ErrorArg:
		return "error " + v.ErrorArg.Message
	}
	return objectText(a)
}

func pathText(path, flags, permission string) string {
	return strings.TrimSpace(strings.Join([]string{long(path), permission, flags}, " "))
}

// long shortens what is too long to be read, and keeps its length.
func long(s string) string {
	if len(s) <= 64 || strings.HasPrefix(s, "/tmp/") && len(s) < 300 {
		return s
	}
	return fmt.Sprintf("%s..%s(%d)", s[:2], s[len(s)-2:], len(s))
}
