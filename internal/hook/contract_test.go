// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"testing"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

// TestContract compares the numbers that the compiler and the kernel
// programs share.
func TestContract(t *testing.T) {
	for _, c := range []struct {
		name string
		c, g int
	}{
		{"words", int(bpf.ContractVdLimitVD_MAX_WORDS), compile.MaxWords},
		{"slots", int(bpf.ContractVdLimitVD_MAX_SLOTS), compile.MaxSlots},
		{"dimensions", int(bpf.ContractVdLimitVD_MAX_DIMS), compile.MaxDims},
		{"return dimensions", int(bpf.ContractVdLimitVD_MAX_RETURN_DIMS), compile.MaxReturnDims},
		{"masks", int(bpf.ContractVdLimitVD_MAX_MASKS), compile.MaxMasks},
		{"chunk", int(bpf.ContractVdLimitVD_CHUNK_LEN), compile.ChunkLen},
		{"string", int(bpf.ContractVdLimitVD_MAX_STRING), compile.MaxString},
		{"postfix", int(bpf.ContractVdLimitVD_MAX_POSTFIX), compile.MaxPostfix},
		{"descriptor actions", int(bpf.ContractVdLimitVD_MAX_FD_OPS), compile.MaxFDOps},
		{"process sets", int(bpf.ContractVdLimitVD_MAX_SETS), compile.MaxSets},
		{"automata", int(bpf.ContractVdLimitVD_MAX_AUTOMATA), compile.MaxAutomata},
		{"dimension expression", int(bpf.ContractVdDimKindVD_DIM_EXPRESSION), int(compile.DimExpression)},
		{"expressions", int(bpf.ContractVdLimitVD_MAX_EXPRESSIONS), compile.MaxRules},
		{"dimension substring", int(bpf.ContractVdDimKindVD_DIM_SUBSTRING), int(compile.DimSubstring)},
		{"type s8", int(bpf.ContractVdTypeVD_TYPE_S8), int(compile.TypeS8)},
		{"type size", int(bpf.ContractVdTypeVD_TYPE_SIZE), int(compile.TypeSize)},
		{"type string", int(bpf.ContractVdTypeVD_TYPE_STRING), int(compile.TypeString)},
		{"type filename", int(bpf.ContractVdTypeVD_TYPE_FILENAME), int(compile.TypeFilename)},
		{"type fd", int(bpf.ContractVdTypeVD_TYPE_FD), int(compile.TypeFD)},
		{"type file", int(bpf.ContractVdTypeVD_TYPE_FILE), int(compile.TypeFile)},
		{"type path", int(bpf.ContractVdTypeVD_TYPE_PATH), int(compile.TypePath)},
		{"type char_buf", int(bpf.ContractVdTypeVD_TYPE_CHAR_BUF), int(compile.TypeCharBuf)},
		{"type data_loc", int(bpf.ContractVdTypeVD_TYPE_DATA_LOC), int(compile.TypeDataLoc)},
		{"type syscall64", int(bpf.ContractVdTypeVD_TYPE_SYSCALL64), int(compile.TypeSyscall64)},
		{"type nop", int(bpf.ContractVdTypeVD_TYPE_NOP), int(compile.TypeNop)},
		{"dimension interval", int(bpf.ContractVdDimKindVD_DIM_INTERVAL), int(compile.DimInterval)},
		{"dimension mask", int(bpf.ContractVdDimKindVD_DIM_MASK), int(compile.DimMask)},
		{"dimension index", int(bpf.ContractVdDimKindVD_DIM_INDEX), int(compile.DimIndex)},
		{"dimension string", int(bpf.ContractVdDimKindVD_DIM_STRING), int(compile.DimString)},
		{"dimension postfix", int(bpf.ContractVdDimKindVD_DIM_POSTFIX), int(compile.DimPostfix)},
		{"source argument", int(bpf.ContractVdDimSourceVD_SOURCE_ARG), int(compile.SourceArg)},
		{"source return", int(bpf.ContractVdDimSourceVD_SOURCE_RETURN), int(compile.SourceReturn)},
		{"source pid", int(bpf.ContractVdDimSourceVD_SOURCE_PID), int(compile.SourcePID)},
		{"source namespace pid", int(bpf.ContractVdDimSourceVD_SOURCE_NSPID), int(compile.SourceNSPID)},
		{"source sets", int(bpf.ContractVdDimSourceVD_SOURCE_SETS), int(compile.SourceSets)},
		{"source binary", int(bpf.ContractVdDimSourceVD_SOURCE_BINARY), int(compile.SourceBinary)},
		{"source binary end", int(bpf.ContractVdDimSourceVD_SOURCE_BINARY_END), int(compile.SourceBinaryEnd)},
		{"source namespace", int(bpf.ContractVdDimSourceVD_SOURCE_NAMESPACE), int(compile.SourceNamespace)},
		{"source capabilities", int(bpf.ContractVdDimSourceVD_SOURCE_CAPS), int(compile.SourceCaps)},
		{"source flags", int(bpf.ContractVdDimSourceVD_SOURCE_FLAGS), int(compile.SourceFlags)},
		{"source followed", int(bpf.ContractVdDimSourceVD_SOURCE_FOLLOWED), int(compile.SourceFollowed)},
		{"rule post", int(bpf.ContractVdRuleFlagsVD_RULE_POST), int(compile.RulePost)},
		{"rule kill", int(bpf.ContractVdRuleFlagsVD_RULE_KILL), int(compile.RuleKill)},
		{"rule signal", int(bpf.ContractVdRuleFlagsVD_RULE_SIGNAL), int(compile.RuleSignal)},
		{"rule monitor", int(bpf.ContractVdRuleFlagsVD_RULE_MONITOR), int(compile.RuleMonitor)},
		{"rule return", int(bpf.ContractVdRuleFlagsVD_RULE_RETURN), int(compile.RuleReturn)},
		{"rule no post", int(bpf.ContractVdRuleFlagsVD_RULE_NO_POST), int(compile.RuleNoPost)},
		{"rule override", int(bpf.ContractVdRuleFlagsVD_RULE_OVERRIDE), int(compile.RuleOverride)},
		{"follow", int(bpf.ContractVdFdOpKindVD_FD_FOLLOW), int(compile.FDFollow)},
		{"unfollow", int(bpf.ContractVdFdOpKindVD_FD_UNFOLLOW), int(compile.FDUnfollow)},
		{"copy", int(bpf.ContractVdFdOpKindVD_FD_COPY), int(compile.FDCopy)},
		{"counters", int(bpf.ContractVdCounterVD_COUNTERS), len(counterNames)},
	} {
		if c.c != c.g {
			t.Errorf("%s: %d in vedette.h, %d in Go", c.name, c.c, c.g)
		}
	}
}
