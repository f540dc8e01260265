// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"

	"github.com/vedette-io/vedette/bpf"
)

// Type is the type of a record (enum vd_record_type).
type Type uint8

// The types of records.
const (
	TypeFork     = Type(bpf.ContractVdRecordTypeVD_RECORD_FORK)
	TypeExec     = Type(bpf.ContractVdRecordTypeVD_RECORD_EXEC)
	TypeExecData = Type(bpf.ContractVdRecordTypeVD_RECORD_EXEC_DATA)
	TypeExit     = Type(bpf.ContractVdRecordTypeVD_RECORD_EXIT)
	TypeTask     = Type(bpf.ContractVdRecordTypeVD_RECORD_TASK)
	TypeHook     = Type(bpf.ContractVdRecordTypeVD_RECORD_HOOK)
	TypeHookData = Type(bpf.ContractVdRecordTypeVD_RECORD_HOOK_DATA)
)

// String returns the name of the type, or its number if it has none.
func (t Type) String() string {
	switch t {
	case TypeFork:
		return "fork"
	case TypeExec:
		return "exec"
	case TypeExecData:
		return "exec data"
	case TypeExit:
		return "exit"
	case TypeTask:
		return "task"
	case TypeHook:
		return "hook"
	case TypeHookData:
		return "hook data"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Record is one decoded record, made to be reused. Type says which of the other members holds it;
// those hold what an earlier record left there. All byte slices are parts of the decoded bytes and
// end with them.
type Record struct {
	Type   Type
	Header bpf.Header

	Fork     bpf.Fork // TypeFork
	Exec     Exec     // TypeExec and TypeTask
	ExecData ExecData // TypeExecData
	Exit     bpf.Exit // TypeExit
	Hook     Hook     // TypeHook
	HookData HookData // TypeHookData
}

// Exec is an exec, or a process that is older than the agent.
type Exec struct {
	bpf.Exec
	// Filename is the file as given to execve, Exe the resolved path of the binary, CWD the
	// working directory, Cgroup the path in the cgroup's hierarchy, Args the argument area: the
	// NUL-terminated strings from argv[0] on, or what follows the bytes of ExecData records.
	Filename, Exe, CWD, Cgroup, Args []byte
}

// HookData is a part of a long buffer, sent before its Hook.
type HookData struct {
	bpf.HookData
	Data []byte
}

// ExecData is a part of a long argument area, sent before its Exec.
type ExecData struct {
	bpf.ExecData
	Data []byte
}
