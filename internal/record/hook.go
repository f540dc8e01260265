// SPDX-License-Identifier: Apache-2.0

package record

import (
	"iter"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
)

// Limits of a hook record, from bpf/vedette.h.
const (
	// MaxWords is the most words of 64 bits that a rule vector has (VD_MAX_WORDS).
	MaxWords = 24
	// MaxSlots is the most slots that a hook has (VD_MAX_SLOTS); a record has at most as many
	// values, a return value and stack traces.
	MaxSlots = 16
	// MaxContent is how many bytes of a buffer a hook record holds (VD_MAX_STRING).
	MaxContent = 4096
	// MaxBuffer is how many bytes of a buffer are told at most (VD_MAX_BUFFER).
	MaxBuffer = 327360
	// maxValues is the most values of a record.
	maxValues = MaxSlots + 1 + 3
)

// Phase says which part of a call a hook record reports (enum vd_hook_phase).
type Phase uint8

// The phases.
const (
	// PhaseEntry is the whole event.
	PhaseEntry = Phase(bpf.ContractVdHookPhaseVD_PHASE_ENTRY)
	// PhaseEntryAwaitsReturn is the part known at entry.
	PhaseEntryAwaitsReturn = Phase(bpf.ContractVdHookPhaseVD_PHASE_ENTRY_AWAITS_RETURN)
	// PhaseReturn completes the entry with the same pair, thread, hook and generation.
	PhaseReturn = Phase(bpf.ContractVdHookPhaseVD_PHASE_RETURN)
	// PhaseNoReturn says of the same entry that its return is not told: it has neither vector nor
	// values.
	PhaseNoReturn = Phase(bpf.ContractVdHookPhaseVD_PHASE_NO_RETURN)
)

// Hook is a match of one or more rules of one hook.
type Hook struct {
	bpf.HookRecord
	vector [MaxWords]uint64
	values []byte
}

// Vector returns the winning rules that post: bit n of word n/64 is rule n. It is valid until the
// record is reused.
func (h *Hook) Vector() []uint64 { return h.vector[:h.Words] }

// Value is one value of a hook record.
type Value struct {
	// Type is the type of the slot (enum vd_type).
	Type ValueType
	// Slot is the number of the slot; a return value has none and leaves it unspecified.
	Slot uint8
	// Status says how the value was read.
	Status Status
	// Num is an integer, sign-extended if signed; of a path the inode's mode; of a string or
	// buffer the whole length in bytes of what was to be copied.
	Num uint64
	// Content is the text or the bytes.
	Content []byte
}

// Values returns the values in the order of the record.
func (h *Hook) Values() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		rest := h.values
		for range h.N_values {
			value, size, _ := nextValue(rest)
			if !yield(value) {
				return
			}
			rest = rest[size:]
		}
	}
}

// ValueType is the type of a value (enum vd_type).
type ValueType uint8

// The types of values.
const (
	ValueNone       = ValueType(bpf.ContractVdTypeVD_TYPE_NONE)
	ValueS8         = ValueType(bpf.ContractVdTypeVD_TYPE_S8)
	ValueU8         = ValueType(bpf.ContractVdTypeVD_TYPE_U8)
	ValueS16        = ValueType(bpf.ContractVdTypeVD_TYPE_S16)
	ValueU16        = ValueType(bpf.ContractVdTypeVD_TYPE_U16)
	ValueS32        = ValueType(bpf.ContractVdTypeVD_TYPE_S32)
	ValueU32        = ValueType(bpf.ContractVdTypeVD_TYPE_U32)
	ValueS64        = ValueType(bpf.ContractVdTypeVD_TYPE_S64)
	ValueU64        = ValueType(bpf.ContractVdTypeVD_TYPE_U64)
	ValueSize       = ValueType(bpf.ContractVdTypeVD_TYPE_SIZE)
	ValueString     = ValueType(bpf.ContractVdTypeVD_TYPE_STRING)
	ValueFilename   = ValueType(bpf.ContractVdTypeVD_TYPE_FILENAME)
	ValueFD         = ValueType(bpf.ContractVdTypeVD_TYPE_FD)
	ValueFile       = ValueType(bpf.ContractVdTypeVD_TYPE_FILE)
	ValuePath       = ValueType(bpf.ContractVdTypeVD_TYPE_PATH)
	ValueCharBuf    = ValueType(bpf.ContractVdTypeVD_TYPE_CHAR_BUF)
	ValueDataLoc    = ValueType(bpf.ContractVdTypeVD_TYPE_DATA_LOC)
	ValueSyscall64  = ValueType(bpf.ContractVdTypeVD_TYPE_SYSCALL64)
	ValueNop        = ValueType(bpf.ContractVdTypeVD_TYPE_NOP)
	ValueSock       = ValueType(bpf.ContractVdTypeVD_TYPE_SOCK)
	ValueSocket     = ValueType(bpf.ContractVdTypeVD_TYPE_SOCKET)
	ValueSkb        = ValueType(bpf.ContractVdTypeVD_TYPE_SKB)
	ValueSockaddr   = ValueType(bpf.ContractVdTypeVD_TYPE_SOCKADDR)
	ValueSockaddrUn = ValueType(bpf.ContractVdTypeVD_TYPE_SOCKADDR_UN)

	ValueCred           = ValueType(bpf.ContractVdTypeVD_TYPE_CRED)
	ValueCapability     = ValueType(bpf.ContractVdTypeVD_TYPE_CAPABILITY)
	ValueKernelCap      = ValueType(bpf.ContractVdTypeVD_TYPE_KERNEL_CAP)
	ValueCapInheritable = ValueType(bpf.ContractVdTypeVD_TYPE_CAP_INHERITABLE)
	ValueCapPermitted   = ValueType(bpf.ContractVdTypeVD_TYPE_CAP_PERMITTED)
	ValueCapEffective   = ValueType(bpf.ContractVdTypeVD_TYPE_CAP_EFFECTIVE)
	ValueUserNS         = ValueType(bpf.ContractVdTypeVD_TYPE_USER_NS)
	ValueModule         = ValueType(bpf.ContractVdTypeVD_TYPE_MODULE)
	ValueLoadInfo       = ValueType(bpf.ContractVdTypeVD_TYPE_LOAD_INFO)
	ValueBinprm         = ValueType(bpf.ContractVdTypeVD_TYPE_BINPRM)
	ValueNetDevice      = ValueType(bpf.ContractVdTypeVD_TYPE_NET_DEVICE)
	ValueKiocb          = ValueType(bpf.ContractVdTypeVD_TYPE_KIOCB)
	ValueConstBuf       = ValueType(bpf.ContractVdTypeVD_TYPE_CONST_BUF)
	ValueBPFCmd         = ValueType(bpf.ContractVdTypeVD_TYPE_BPF_CMD)
	ValueDentry         = ValueType(bpf.ContractVdTypeVD_TYPE_DENTRY)
	ValueBPFAttr        = ValueType(bpf.ContractVdTypeVD_TYPE_BPF_ATTR)
	ValueBPFMap         = ValueType(bpf.ContractVdTypeVD_TYPE_BPF_MAP)
	ValueBPFProg        = ValueType(bpf.ContractVdTypeVD_TYPE_BPF_PROG)
	ValuePerfEvent      = ValueType(bpf.ContractVdTypeVD_TYPE_PERF_EVENT)
	ValueIovIter        = ValueType(bpf.ContractVdTypeVD_TYPE_IOV_ITER)
	ValueCharIovec      = ValueType(bpf.ContractVdTypeVD_TYPE_CHAR_IOVEC)
	// Stack traces: addresses of 8 bytes each, the innermost frame first, and of user space also
	// places in files ([bpf.BuildIDFrame]). They come behind the values of slots.
	ValueStackKernel  = ValueType(bpf.ContractVdTypeVD_TYPE_STACK_KERNEL)
	ValueStackUser    = ValueType(bpf.ContractVdTypeVD_TYPE_STACK_USER)
	ValueStackBuildID = ValueType(bpf.ContractVdTypeVD_TYPE_STACK_BUILD_ID)
	// ValueIMAHash is the hash of a file: Num is the algorithm (enum hash_algo of the kernel).
	ValueIMAHash = ValueType(bpf.ContractVdTypeVD_TYPE_IMA_HASH)
)

// Status says how a value was read (enum vd_value_status).
type Status uint16

// The bits of a status.
const (
	// StatusFailed: it could not be read.
	StatusFailed = Status(bpf.ContractVdValueStatusVD_VALUE_FAILED)
	// StatusTruncated: it was longer than what was copied.
	StatusTruncated = Status(bpf.ContractVdValueStatusVD_VALUE_TRUNCATED)
	// StatusNoPath: a file without a path, as a pipe.
	StatusNoPath = Status(bpf.ContractVdValueStatusVD_VALUE_NO_PATH)
	// StatusUnresolved: the path has more components than were walked.
	StatusUnresolved = Status(bpf.ContractVdValueStatusVD_VALUE_UNRESOLVED)
	// StatusAtReturn: a placeholder, the value comes with the return record.
	StatusAtReturn = Status(bpf.ContractVdValueStatusVD_VALUE_AT_RETURN)
	// StatusCompat: the number of a 32-bit system call.
	StatusCompat = Status(bpf.ContractVdValueStatusVD_VALUE_COMPAT)
	// StatusUnreached: an address on the way to it could not be read; Num is the component of the path.
	StatusUnreached = Status(bpf.ContractVdValueStatusVD_VALUE_UNREACHED)
	// StatusNoAddress and StatusNoPort: a socket, packet or address without IP addresses, or ports.
	StatusNoAddress = Status(bpf.ContractVdValueStatusVD_VALUE_NO_ADDRESS)
	StatusNoPort    = Status(bpf.ContractVdValueStatusVD_VALUE_NO_PORT)
	// StatusData: a buffer whose bytes from MaxContent on came in HookData records.
	StatusData = Status(bpf.ContractVdValueStatusVD_VALUE_DATA)
)

// Net loads the content of a socket, a packet or an address, and reports whether it has one.
func (v *Value) Net(n *bpf.Net) bool { return load(n, v.Content) }

const valueSize = int(unsafe.Sizeof(bpf.Value{}))

// nextValue reads the value at the beginning of b and says how many bytes it takes. The size is 0,
// and the message says why, if there is no whole value.
func nextValue(b []byte) (Value, int, string) {
	var raw bpf.Value
	if !load(&raw, b) {
		return Value{}, 0, "value is cut off"
	}
	if uint64(raw.Len) > uint64(len(b)-valueSize) {
		return Value{}, 0, "content of the value exceeds the record"
	}
	end := valueSize + int(raw.Len)
	// The padding of the last value may be missing: nothing reads it.
	size := min(align(end), len(b))
	value := Value{
		Type:    ValueType(raw.Type),
		Slot:    raw.Slot,
		Status:  Status(raw.Status),
		Num:     raw.Num,
		Content: b[valueSize:end:end],
	}
	return value, size, ""
}

func align(n int) int { return (n + 7) &^ 7 }
