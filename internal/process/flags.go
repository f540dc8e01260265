// SPDX-License-Identifier: Apache-2.0

package process

import (
	"strings"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/record"
)

// flags are the flags of a process in the order in which events list them.
type flags uint16

const (
	flagExecve flags = 1 << iota
	flagProcFS
	flagTruncArgs
	flagMiss
	flagErrorFilename
	flagErrorArgs
	flagNoCWD
	flagRootCWD
	flagErrorCWD
	flagClone
	flagErrorCgroupName
	flagErrorPathResolutionCWD
	flagDataArgs
	flagInInitTree
)

var flagNames = []string{
	"execve", "procFS", "truncArgs", "miss", "errorFilename", "errorArgs", "nocwd", "rootcwd", "errorCWD",
	"clone", "errorCgroupName", "errorPathResolutionCwd", "dataArgs", "inInitTree",
}

// FlagUnknown is the only flag of a process that the kernel program did not know.
const FlagUnknown = "unknown"

// String returns the names of the flags, separated by spaces.
func (f flags) String() string {
	var b strings.Builder
	for i, name := range flagNames {
		if f>>i&1 == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name)
	}
	return b.String()
}

// flagText returns the names of the flags. The few combinations that occur share their text.
func (t *Tree) flagText(f flags) string {
	text, found := t.flagNames[f]
	if !found {
		text = f.String()
		t.flagNames[f] = text
	}
	return text
}

// execBits are the bits of enum vd_exec_flags that events show.
var execBits = []struct {
	bit  bpf.ContractVdExecFlags
	flag flags
}{
	{bpf.ContractVdExecFlagsVD_EXEC_CLONE, flagClone},
	{bpf.ContractVdExecFlagsVD_EXEC_ARGS_TRUNCATED, flagTruncArgs},
	{bpf.ContractVdExecFlagsVD_EXEC_ARGS_FAILED, flagErrorArgs},
	{bpf.ContractVdExecFlagsVD_EXEC_CWD_TRUNCATED, flagErrorPathResolutionCWD},
	{bpf.ContractVdExecFlagsVD_EXEC_CWD_FAILED, flagErrorCWD},
	{bpf.ContractVdExecFlagsVD_EXEC_CWD_ROOT, flagRootCWD},
	{bpf.ContractVdExecFlagsVD_EXEC_FILENAME_FAILED, flagErrorFilename},
	{bpf.ContractVdExecFlagsVD_EXEC_PARENT_MISSING, flagMiss},
	{bpf.ContractVdExecFlagsVD_EXEC_CGROUP_TRUNCATED, flagErrorCgroupName},
	{bpf.ContractVdExecFlagsVD_EXEC_ARGS_DATA, flagDataArgs},
}

func execFlags(e *record.Exec) flags { return flagExecve | imageFlags(e) }

func taskFlags(e *record.Exec) flags { return flagProcFS | imageFlags(e) }

func imageFlags(e *record.Exec) flags {
	f := treeFlag(e.ProcessFlags)
	for _, b := range execBits {
		if e.Flags&uint32(b.bit) != 0 {
			f |= b.flag
		}
	}
	if len(e.CWD) == 0 && f&(flagRootCWD|flagErrorCWD) == 0 {
		f |= flagNoCWD
	}
	return f
}

func forkFlags(processFlags uint32) flags { return flagClone | treeFlag(processFlags) }

func treeFlag(processFlags uint32) flags {
	if processFlags&uint32(bpf.ContractVdProcessFlagsVD_PROCESS_IN_INIT_TREE) != 0 {
		return flagInInitTree
	}
	return 0
}
