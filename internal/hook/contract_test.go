// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"testing"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/record"
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
		{"type cred", int(bpf.ContractVdTypeVD_TYPE_CRED), int(compile.TypeCred)},
		{"type capability", int(bpf.ContractVdTypeVD_TYPE_CAPABILITY), int(compile.TypeCapability)},
		{"type kernel_cap_t", int(bpf.ContractVdTypeVD_TYPE_KERNEL_CAP), int(compile.TypeKernelCap)},
		{"type cap_inheritable", int(bpf.ContractVdTypeVD_TYPE_CAP_INHERITABLE), int(compile.TypeCapInheritable)},
		{"type cap_permitted", int(bpf.ContractVdTypeVD_TYPE_CAP_PERMITTED), int(compile.TypeCapPermitted)},
		{"type cap_effective", int(bpf.ContractVdTypeVD_TYPE_CAP_EFFECTIVE), int(compile.TypeCapEffective)},
		{"type user_namespace", int(bpf.ContractVdTypeVD_TYPE_USER_NS), int(compile.TypeUserNS)},
		{"type module", int(bpf.ContractVdTypeVD_TYPE_MODULE), int(compile.TypeModule)},
		{"type load_info", int(bpf.ContractVdTypeVD_TYPE_LOAD_INFO), int(compile.TypeLoadInfo)},
		{"type linux_binprm", int(bpf.ContractVdTypeVD_TYPE_BINPRM), int(compile.TypeBinprm)},
		{"type net_device", int(bpf.ContractVdTypeVD_TYPE_NET_DEVICE), int(compile.TypeNetDevice)},
		{"type kiocb", int(bpf.ContractVdTypeVD_TYPE_KIOCB), int(compile.TypeKiocb)},
		{"type const_buf", int(bpf.ContractVdTypeVD_TYPE_CONST_BUF), int(compile.TypeConstBuf)},
		{"type bpf_cmd", int(bpf.ContractVdTypeVD_TYPE_BPF_CMD), int(compile.TypeBPFCmd)},
		{"type dentry", int(bpf.ContractVdTypeVD_TYPE_DENTRY), int(compile.TypeDentry)},
		{"type bpf_attr", int(bpf.ContractVdTypeVD_TYPE_BPF_ATTR), int(compile.TypeBPFAttr)},
		{"type bpf_map", int(bpf.ContractVdTypeVD_TYPE_BPF_MAP), int(compile.TypeBPFMap)},
		{"type bpf_prog", int(bpf.ContractVdTypeVD_TYPE_BPF_PROG), int(compile.TypeBPFProg)},
		{"type perf_event", int(bpf.ContractVdTypeVD_TYPE_PERF_EVENT), int(compile.TypePerfEvent)},
		{"type iov_iter", int(bpf.ContractVdTypeVD_TYPE_IOV_ITER), int(compile.TypeIovIter)},
		{"type char_iovec", int(bpf.ContractVdTypeVD_TYPE_CHAR_IOVEC), int(compile.TypeCharIovec)},
		{"buffer", int(bpf.ContractVdLimitVD_MAX_BUFFER), compile.MaxBuffer},
		{"buffer of a record", int(bpf.ContractVdLimitVD_MAX_BUFFER), record.MaxBuffer},
		{"content of a record", int(bpf.ContractVdLimitVD_MAX_STRING), record.MaxContent},
		{"source file type", int(bpf.ContractVdDimSourceVD_SOURCE_FILE_TYPE), int(compile.SourceFileType)},
		{"source capabilities gained", int(bpf.ContractVdDimSourceVD_SOURCE_CAPS_GAINED), int(compile.SourceCapsGained)},
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
		{"source parent binary", int(bpf.ContractVdDimSourceVD_SOURCE_PARENT_BINARY), int(compile.SourceParentBinary)},
		{"source parent binary end", int(bpf.ContractVdDimSourceVD_SOURCE_PARENT_BINARY_END), int(compile.SourceParentBinaryEnd)},
		{"source parent sets", int(bpf.ContractVdDimSourceVD_SOURCE_PARENT_SETS), int(compile.SourceParentSets)},
		{"source namespace changes", int(bpf.ContractVdDimSourceVD_SOURCE_NAMESPACE_CHANGES), int(compile.SourceNamespaceChanges)},
		{"source capability changes", int(bpf.ContractVdDimSourceVD_SOURCE_CAPABILITY_CHANGES), int(compile.SourceCapabilityChanges)},
		{"source workload", int(bpf.ContractVdDimSourceVD_SOURCE_WORKLOAD), int(compile.SourceWorkload)},
		{"workload host", int(bpf.ContractVdWorkloadClassVD_WORKLOAD_HOST), compile.WorkloadHost},
		{"workload container", int(bpf.ContractVdWorkloadClassVD_WORKLOAD_CONTAINER), compile.WorkloadContainer},
		{"capability sets", int(bpf.ContractVdCapSetVD_CAP_SETS), len(compile.ProcessValues{}.Caps)},
		{"rule namespaces told", int(bpf.ContractVdRuleFlagsVD_RULE_NAMESPACES_TOLD), int(compile.RuleNamespacesTold)},
		{"rule capabilities told", int(bpf.ContractVdRuleFlagsVD_RULE_CAPS_TOLD), int(compile.RuleCapsTold)},
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
		{"pointers on a way", int(bpf.ContractVdLimitVD_MAX_DEREFS), compile.MaxDerefs},
		{"pointers on a way of the kernel", kernel.MaxDerefs, compile.MaxDerefs},
		{"from an argument", int(bpf.ContractVdSlotFromVD_FROM_RAW), int(compile.FromArgument)},
		{"from the task", int(bpf.ContractVdSlotFromVD_FROM_TASK), int(compile.FromTask)},
		{"from a register", int(bpf.ContractVdSlotFromVD_FROM_REGISTER), int(compile.FromRegister)},
		{"dimension address", int(bpf.ContractVdDimKindVD_DIM_ADDRESS), int(compile.DimAddress)},
		{"source field", int(bpf.ContractVdDimSourceVD_SOURCE_FIELD), int(compile.SourceField)},
		{"type sock", int(bpf.ContractVdTypeVD_TYPE_SOCK), int(compile.TypeSock)},
		{"type socket", int(bpf.ContractVdTypeVD_TYPE_SOCKET), int(compile.TypeSocket)},
		{"type skb", int(bpf.ContractVdTypeVD_TYPE_SKB), int(compile.TypeSkb)},
		{"type sockaddr", int(bpf.ContractVdTypeVD_TYPE_SOCKADDR), int(compile.TypeSockaddr)},
		{"type sockaddr_un", int(bpf.ContractVdTypeVD_TYPE_SOCKADDR_UN), int(compile.TypeSockaddrUn)},
		{"rule track", int(bpf.ContractVdRuleFlagsVD_RULE_TRACK_SOCK), int(compile.RuleTrackSock)},
		{"rule untrack", int(bpf.ContractVdRuleFlagsVD_RULE_UNTRACK_SOCK), int(compile.RuleUntrackSock)},
		{"rule track return", int(bpf.ContractVdRuleFlagsVD_RULE_TRACK_RETURN), int(compile.RuleTrackReturn)},
		{"rule untrack return", int(bpf.ContractVdRuleFlagsVD_RULE_UNTRACK_RETURN), int(compile.RuleUntrackReturn)},
		{"source address", int(unsafe.Offsetof(bpf.Net{}.Saddr)), int(compile.FieldSource.Offset)},
		{"destination address", int(unsafe.Offsetof(bpf.Net{}.Daddr)), int(compile.FieldDestination.Offset)},
		{"family", int(unsafe.Offsetof(bpf.Net{}.Family)), int(compile.FieldFamily.Offset)},
		{"protocol", int(unsafe.Offsetof(bpf.Net{}.Protocol)), int(compile.FieldProtocol.Offset)},
		{"source port", int(unsafe.Offsetof(bpf.Net{}.Sport)), int(compile.FieldSourcePort.Offset)},
		{"destination port", int(unsafe.Offsetof(bpf.Net{}.Dport)), int(compile.FieldDestPort.Offset)},
		{"state", int(unsafe.Offsetof(bpf.Net{}.State)), int(compile.FieldState.Offset)},
		{"counters", int(bpf.ContractVdCounterVD_COUNTERS), len(counterNames)},
	} {
		if c.c != c.g {
			t.Errorf("%s: %d in vedette.h, %d in Go", c.name, c.c, c.g)
		}
	}
}
