// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/expression"
	"github.com/vedette-io/vedette/internal/policy"
)

// Limits of one compiled hook. They are checked when policies are compiled;
// a set of policies that exceeds one is refused with the number.
const (
	// MaxRules is how many selectors, over all policies, one hook can have.
	MaxRules = 1024
	// MaxWords is the size of a bit vector in 64-bit words. It exceeds
	// MaxRules/64 because a group of several rules needs one guard bit.
	MaxWords = 24
	// MaxArgs is how many arguments one hook entry of one policy can have.
	MaxArgs = 8
	// MaxSlots is how many different arguments (by index, type and options)
	// all policies together can ask of one hook.
	MaxSlots = 16
	// MaxDims is how many dimensions one hook can have.
	MaxDims = 48
	// MaxReturnDims is how many dimensions one hook can have on its return
	// value.
	MaxReturnDims = 8
	// MaxMasks is how many different masks one mask dimension can have.
	MaxMasks = 64
	// MaxSets is how many process sets (inherited properties such as
	// followForks) all policies together can have.
	MaxSets = 64
	// MaxFollow is how many policies can follow descriptors, track sockets or
	// have an enforcer at once.
	MaxFollow = 64
	// ChunkLen is how many bytes of a string one look-up of the string table
	// compares. Longer strings take several look-ups, chained by states.
	ChunkLen = 248
	// MaxString is the longest string, in bytes, that is compared.
	MaxString = 4096
	// MaxBuffer is how many bytes of a buffer with maxData are told.
	MaxBuffer = 327360
	// MaxPostfix is the longest postfix, in bytes, that can be matched.
	MaxPostfix = 128
	// FewFunctions is how many functions of a list are attached like single
	// ones; more of them are many, see [Hook.Many].
	FewFunctions = 8
)

// HookKind says what kind of place in the kernel a hook is.
type HookKind uint8

// The kinds of hooks.
const (
	HookSyscall       HookKind = iota + 1 // a system call, by its name without prefix: "read"
	HookFunction                          // a kernel function: "fd_install"
	HookTracepoint                        // a tracepoint by its format: "syscalls/sys_enter_openat"
	HookRawTracepoint                     // a raw tracepoint by its event's name: "sched_process_exec"
	HookLSM                               // an LSM hook by the name of LSM programs: "file_open"
	HookUprobe                            // a place in a program: "/bin/bash:readline", see Site
	HookUSDT                              // a static probe in a program: "/usr/bin/python3:python:gc__start"
	HookCompatSyscall                     // a system call of 32-bit programs, by its name in their table: "stat64"
)

// HookKey identifies one hook of the kernel, however policies spell it.
type HookKey struct {
	Kind HookKind
	Name string
}

// IsSyscall reports whether hooks of the kind are system calls, of one ABI or another.
func (k HookKind) IsSyscall() bool { return k == HookSyscall || k == HookCompatSyscall }

// InUserSpace reports whether hooks of the kind are in programs, so that
// addresses which their arguments hold are those of the program.
func (k HookKind) InUserSpace() bool { return k == HookUprobe || k == HookUSDT }

// Site is a place in a program, as a policy names it. What it is in the file
// is looked up when the hook is loaded.
type Site struct {
	By SiteKind
	// Path is the program or shared library, as the agent sees it.
	Path string
	// Symbol is the function for SiteSymbol. Offset is in bytes, behind the
	// symbol or in the file. Address is a virtual address of the file.
	Symbol          string
	Offset, Address uint64
	// RefCtrOffset is where a number of users is counted in the file, in
	// bytes; 0 for none. Static probes tell that themselves.
	RefCtrOffset uint64
	// Provider and Name are those of a static probe.
	Provider, Name string
}

// SiteKind says what tells a place in a program.
type SiteKind uint8

// The kinds of sites.
const (
	SiteSymbol SiteKind = iota + 1
	SiteOffset
	SiteAddress
	SiteUSDT
)

// Slot is one argument that a hook's program fetches. Slots are shared by
// all policies on the hook; see [Group.Args].
type Slot struct {
	// Index is the argument's number as the policy gives it: the function's
	// argument from 0, or the field number of a tracepoint's format.
	Index uint8
	Type  SlotType
	// From says what the value is from; Index is 0 where that is no argument.
	From SlotFrom
	// Resolve is the path to the value, or the name of its register, and
	// empty where the argument is the value.
	Resolve string
	// Way is the path in numbers, Register where the register is. Both are
	// empty where no types were at hand, in a plan that cannot be loaded.
	Way      Way
	Register Register
	// SizeArg is the number of the argument that holds the buffer's size,
	// counted from 1 as in policies, or 0.
	SizeArg uint8
	// ReturnCopy asks for the content at return, with the length returned.
	ReturnCopy bool
	// Max is how many bytes of a buffer or string are copied at most. Filters
	// compare no more than MaxString of them.
	Max uint32
	// Element is the size in bytes of an element of a TypeConstBuf, Signed
	// says that the elements are signed integers.
	Element uint8
	Signed  bool
	// Filtered says that some dimension reads this slot, so that it is
	// fetched before the verdict; other slots are fetched only for an event.
	Filtered bool
}

// SlotType is the type of an argument, as the kernel program knows it. The
// numbers are shared with bpf/vedette.h (enum vd_type).
type SlotType uint8

// The argument types.
const (
	TypeNone      SlotType = 0
	TypeS8        SlotType = 1
	TypeU8        SlotType = 2
	TypeS16       SlotType = 3
	TypeU16       SlotType = 4
	TypeS32       SlotType = 5
	TypeU32       SlotType = 6
	TypeS64       SlotType = 7
	TypeU64       SlotType = 8
	TypeSize      SlotType = 9  // size_t: 64 bits, unsigned
	TypeString    SlotType = 10 // NUL-terminated, in user or kernel memory
	TypeFilename  SlotType = 11 // struct filename *
	TypeFD        SlotType = 12 // a descriptor of the calling process
	TypeFile      SlotType = 13 // struct file *
	TypePath      SlotType = 14 // struct path *
	TypeCharBuf   SlotType = 15 // bytes
	TypeDataLoc   SlotType = 16 // a tracepoint's __data_loc string
	TypeSyscall64 SlotType = 17 // a system call's number, with its ABI
	TypeNop       SlotType = 18 // nothing
	TypeSock      SlotType = 19 // struct sock *
	TypeSocket    SlotType = 20 // struct socket *
	TypeSkb       SlotType = 21 // struct sk_buff *
	TypeSockaddr  SlotType = 22 // struct sockaddr *, in user or kernel memory
	// TypeSockaddrUn is a struct sockaddr_un *, in user or kernel memory. Its
	// text is the path, its number the address family.
	TypeSockaddrUn SlotType = 23

	TypeCred           SlotType = 24 // struct cred *
	TypeCapability     SlotType = 25 // the number of a capability
	TypeKernelCap      SlotType = 26 // kernel_cap_t *, as the following three
	TypeCapInheritable SlotType = 27
	TypeCapPermitted   SlotType = 28
	TypeCapEffective   SlotType = 29
	TypeUserNS         SlotType = 30 // struct user_namespace *
	TypeModule         SlotType = 31 // struct module *
	TypeLoadInfo       SlotType = 32 // struct load_info *
	TypeBinprm         SlotType = 33 // struct linux_binprm *: the path of its file
	TypeNetDevice      SlotType = 34 // struct net_device *: its name
	TypeKiocb          SlotType = 35 // struct kiocb *: the path of its file
	TypeConstBuf       SlotType = 36 // an array in a tracepoint's record
	TypeBPFCmd         SlotType = 37 // the number of a command of bpf(2)
	TypeDentry         SlotType = 38 // struct dentry *: the path within its mount
	TypeBPFAttr        SlotType = 39 // union bpf_attr *, of the process or the kernel
	TypeBPFMap         SlotType = 40 // struct bpf_map *
	TypeBPFProg        SlotType = 41 // struct bpf_prog *
	TypePerfEvent      SlotType = 42 // struct perf_event *
	TypeIovIter        SlotType = 43 // struct iov_iter *: the bytes
	TypeCharIovec      SlotType = 44 // struct iovec *, SizeArg of them: the bytes
)

// DimKind says how a dimension turns a value into a bit vector. The numbers
// are shared with bpf/vedette.h (enum vd_dim_kind).
type DimKind uint8

// The kinds of dimensions.
const (
	// DimInterval: Table[Base:Base+Len] holds elementary intervals sorted by
	// Key, the first Key being 0. The last entry with Key <= value gives the
	// vector A. Signed values are compared with the sign bit flipped. Rows
	// with the highest key and the last vector follow up to a power of two,
	// 2 to the power of [IntervalSteps].
	DimInterval DimKind = 1
	// DimMask: for every entry of Table[Base:Base+Len], vector A applies if
	// value&Key != 0 and vector B otherwise. All of them are ANDed.
	DimMask DimKind = 2
	// DimIndex: Table[Base+value] gives vector A. Values >= Len use None.
	DimIndex DimKind = 3
	// DimString: the string is looked up in Strings, from state State.
	DimString DimKind = 4
	// DimPostfix: the last MaxPostfix bytes, reversed, are looked up in
	// Strings, from state State.
	DimPostfix DimKind = 5
	// DimAddress: an address of IPv6 is looked up in Strings, from state State,
	// one of IPv4 as a number as for DimInterval.
	DimAddress DimKind = 6
	// DimSubstring: an Aho-Corasick automaton in Automata reads the text. At
	// byte Base are the classes of the 256 bytes, a byte each: offsets in a
	// row, or numbers if Wide. Behind them are, eight times each, two bytes
	// that follow each other in the only value, and what is ORed to them and to
	// a text before they are looked for; zeroes where there are more values. A state is the place of its row, in bytes; the
	// row has the following states by class. If the highest bit of one is
	// set, it is the place of a second row, all of whose states are that one;
	// before it are the state's first row, with which the text is read on,
	// and the vector that the state satisfies. The OR of these and of vector
	// Len is that of the text: a rule has at most one condition in the
	// dimension.
	DimSubstring DimKind = 7
	// DimExpression: Table[Base+i] gives vector A where expression i of
	// Hook.Expressions is true. The OR of these and of None is that of the
	// event. There is one such dimension; its index means nothing.
	DimExpression DimKind = 8
)

// DimSource says which value a dimension looks at. The numbers are shared
// with bpf/vedette.h (enum vd_dim_source).
type DimSource uint8

// The sources of values.
const (
	SourceArg       DimSource = 1  // slot Dim.Index
	SourceReturn    DimSource = 2  // the return value, as a SlotType Dim.Index
	SourcePID       DimSource = 3  // the thread group's id in the host's pid namespace
	SourceNSPID     DimSource = 4  // its id in its own pid namespace, 0 for the host's processes
	SourceSets      DimSource = 5  // the process's set bits
	SourceBinary    DimSource = 6  // the class of the binary's path (ProcessTables.Strings from state StateBinary)
	SourceBinaryEnd DimSource = 7  // the class of the binary's path reversed (from state StateBinaryEnd)
	SourceNamespace DimSource = 8  // the inode number of namespace Dim.Index
	SourceCaps      DimSource = 9  // capability set Dim.Index (0 effective, 1 permitted, 2 inheritable)
	SourceFlags     DimSource = 10 // process flags, see Flag…
	SourceFollowed  DimSource = 11 // the follow bits of the descriptor in slot Dim.Index
	SourceField     DimSource = 12 // Dim.Field of the content of slot Dim.Index
	// The type of the file in slot Dim.Index: the S_IFMT bits of its mode.
	SourceFileType DimSource = 17
	// The capabilities in slot Dim.Other that are not in slot Dim.Index.
	SourceCapsGained DimSource = 18

	// Those of the image that the process comes from: its parent, or what the
	// same process executed before.
	SourceParentBinary    DimSource = 13
	SourceParentBinaryEnd DimSource = 14
	SourceParentSets      DimSource = 20

	// Differences to what was noted at the fork, the last exec or the last
	// event of a rule with RuleNamespacesTold or RuleCapsTold.
	SourceNamespaceChanges  DimSource = 15 // a bit for each kind of namespace, by policy.Namespace
	SourceCapabilityChanges DimSource = 16 // of capability set Dim.Index, which is as for SourceCaps

	SourceWorkload DimSource = 21 // the class of the workload, see Workload…
)

// Process flags that a dimension with SourceFlags can test.
const (
	FlagInContainerPIDNS uint64 = 1 << 0 // the process is not in the host's pid namespace
	FlagInUserNS         uint64 = 1 << 1 // the process is not in the host's user namespace
)

// Classes of workloads, shared with bpf/vedette.h (enum vd_workload_class).
const (
	WorkloadHost      = 0 // in no container
	WorkloadContainer = 1 // in a container of which nothing else is known
)

// Dim is one dimension: one look-up whose bit vector holds the rules that
// the value satisfies.
type Dim struct {
	Kind   DimKind
	Source DimSource
	Index  uint8
	Other  uint8 // a second slot, of SourceCapsGained
	Field  Field
	Signed bool // DimInterval: compare as signed 64-bit values
	Wide   bool // DimSubstring: classes are numbers
	Base   uint32
	Len    uint32
	State  uint32 // DimString, DimPostfix: the root state; DimSubstring: the first
	// None is the vector for a value that could not be read: only the rules
	// that do not constrain this dimension.
	None uint32
}

// OfArgument reports whether the dimension looks at a slot.
func (s DimSource) OfArgument() bool {
	switch s {
	case SourceArg, SourceFollowed, SourceField, SourceFileType, SourceCapsGained:
		return true
	}
	return false
}

// Field is a value within the content of a slot, for SourceField.
type Field struct {
	Offset uint16 // in bytes
	Width  uint8  // in bytes
	// Port says that it is a port: some values have none.
	Port bool
}

// Entry is one row of the integer table. See [DimKind].
type Entry struct {
	Key  uint64
	A, B uint32 // indexes into Vectors
}

// StringEntry is one row of a string table, a longest-prefix-match trie. The
// key is the state (4 bytes) followed by at most ChunkLen bytes of Data. A
// string that is equal to a value ends with a NUL byte in Data, so that exact
// values and prefixes share the trie. An entry whose Data is empty gives the
// vector of strings that match nothing in this state; every state has one.
// If an entry with all ChunkLen bytes matched, the string goes on, and Next
// is not 0, the following bytes are looked up in state Next.
// The vector of the last look-up decides: it is complete.
//
// What is looked up: the string's bytes and one NUL byte behind them. (So a
// string of exactly ChunkLen bytes goes on with the NUL byte in state Next.)
type StringEntry struct {
	State uint32
	Data  []byte
	// Bits is how long the data of an address is, in bits; text has 0.
	Bits uint16
	Next uint32
	// Vector is an index into Hook.Vectors; in [ProcessTables] it is a class.
	Vector uint32
	// Exact is the length of the whole value and its NUL byte if the entry
	// stands for an exact value, else 0. A string of another length only
	// looks the same: a buffer with a NUL byte inside. It gets Else.
	Exact, Else uint32
	// Sets are the process sets that a process with this binary joins, in
	// [ProcessTables] only.
	Sets uint64
}

// Rule is one selector of one policy on one hook: one bit.
type Rule struct {
	Bit   uint16
	Group uint16 // index into Hook.Groups
	// Selector is the selector's index in its hook entry; 0 also where the
	// entry has no selectors.
	Selector uint16
	Label    string
	Flags    RuleFlags
	Signal   uint32 // RuleSignal: the signal's number
	Error    int32  // RuleOverride: a negative errno, -4095 to -1
	FDOps    []FDOp // at most MaxFDOps
	// NoticeError is a negative errno or 0, NoticeSignal a signal or 0.
	NoticeError  int32
	NoticeSignal uint32
	// Track and Untrack are the slots for RuleTrackSock and RuleUntrackSock.
	Track, Untrack uint8
	// RateInterval is the time in nanoseconds in which at most one event per
	// key is posted, or 0.
	RateInterval uint64
	RateScope    RateScope
	// Sets are what Set writes into arguments of a static probe.
	Sets []SetOp
	// Registers is what Override does at a place in a program, nil at other
	// hooks.
	Registers *RegisterOverride
	// Request is what user space is to ask for when the event arrives.
	Request Request
	// Action is what events of this rule report: the last action of the list.
	Action string // the enum name of KprobeAction, e.g. "KPROBE_ACTION_SIGKILL"
	// Return is what is done when the call returns and the value satisfies the
	// selector: only what actions say is in it. It is nil where there is
	// nothing. RulePost in its flags is for both: that the event is told.
	Return *Rule
}

// MaxFDOps is how many FollowFD, UnfollowFD and CopyFD actions one selector
// can have.
const MaxFDOps = 2

// RuleFlags say what a matching rule does. The numbers are shared with
// bpf/vedette.h (enum vd_rule_flags).
type RuleFlags uint32

// The rule flags.
const (
	RulePost    RuleFlags = 1 << 0
	RuleKill    RuleFlags = 1 << 1 // SIGKILL to the process
	RuleSignal  RuleFlags = 1 << 2
	RuleMonitor RuleFlags = 1 << 3 // do not carry out Kill, Signal, Override and Set, only say so
	RuleReturn  RuleFlags = 1 << 4 // the event waits for the return of the call
	RuleNoPost  RuleFlags = 1 << 5 // the policy said NoPost (for the counters)
	// RuleOverride: the caller gets Rule.Error and nothing is done.
	RuleOverride RuleFlags = 1 << 6
	// RuleStackKernel and RuleStackUser: the event has the stacks of the
	// kernel and of user space.
	RuleStackKernel RuleFlags = 1 << 7
	RuleStackUser   RuleFlags = 1 << 8
	// RuleIMA: the event has the hash of the file that an LSM hook is about.
	RuleIMA RuleFlags = 1 << 9
	// RuleSet: Rule.Sets are written.
	RuleSet RuleFlags = 1 << 14
	// RuleTrackSock and RuleUntrackSock make the process the owner of the
	// socket in a slot, and forget the owner of one.
	RuleTrackSock   RuleFlags = 1 << 10
	RuleUntrackSock RuleFlags = 1 << 11
	// RuleNotify notes Rule.NoticeError and NoticeSignal for the enforcer of
	// the policy, RuleCleanNotify voids what was noted before.
	RuleNotify      RuleFlags = 1 << 12
	RuleCleanNotify RuleFlags = 1 << 13
	// RuleTrackReturn and RuleUntrackReturn do it with the returned socket.
	RuleTrackReturn   RuleFlags = 1 << 15
	RuleUntrackReturn RuleFlags = 1 << 16
	// RuleReturnActions: the rule has Rule.Return.
	RuleReturnActions RuleFlags = 1 << 17
	// RulesOfReturn are those that do something when the call returns.
	RulesOfReturn = RuleTrackReturn | RuleUntrackReturn | RuleReturnActions
	// RuleNamespacesTold, RuleCapsTold: the rule's event tells a change, and
	// further ones are counted from there.
	RuleNamespacesTold RuleFlags = 1 << 20
	RuleCapsTold       RuleFlags = 1 << 21
)

// SetOp writes an argument of a static probe.
type SetOp struct {
	Slot  uint8
	Value uint32
}

// RegisterOverride writes registers at a place in a program.
type RegisterOverride struct {
	Writes []executable.Assignment
	// Goto is where in the file of the hook the program is to go on; its By
	// is 0 where Writes say that, or nothing does.
	Goto Site
}

// Request is what user space asks another machine for when an event arrives.
type Request struct {
	Kind RequestKind
	// Target is a URL, or the name of a host.
	Target string
}

// RequestKind says what a [Request] is.
type RequestKind uint8

// The kinds of requests; 0 is none.
const (
	RequestURL RequestKind = iota + 1
	RequestName
)

// RateScope says among which events a rate limit counts. The numbers are
// shared with bpf/vedette.h.
type RateScope uint8

// The scopes.
const (
	RateThread  RateScope = 0
	RateProcess RateScope = 1
	RateGlobal  RateScope = 2
)

// FDOp is one of the descriptor actions.
type FDOp struct {
	Kind FDOpKind
	// FD is the slot of the descriptor (of the old one for CopyFD), Other
	// the slot of the new one for CopyFD, and of the file for FollowFD: at
	// the entry of fd_install the descriptor is not that of the file yet.
	FD, Other uint8
}

// FDOpKind is the kind of a descriptor action; shared with bpf/vedette.h.
type FDOpKind uint8

// The descriptor actions.
const (
	FDFollow   FDOpKind = 1
	FDUnfollow FDOpKind = 2
	FDCopy     FDOpKind = 3
)

// Group is one hook entry of one policy on this hook. Among the rules of a
// group the one with the lowest bit acts.
type Group struct {
	Policy  int // index into Input.Policies
	Section string
	// Entry is the index of the entry in its section of the policy.
	Entry int
	// FunctionName is what events report: the call as users know it from
	// the reference, with the prefix of the architecture (__x64_sys_read),
	// the tracepoint's "subsystem/event", or the place in a program.
	FunctionName string
	// List is the entry's call where that is a list, "list:NAME", else empty.
	// What its rules do is counted for all functions of the list together.
	List string
	// Site is the place in a program, for HookUprobe and HookUSDT.
	Site Site
	// Verified is the file that has one of the entry's binaryDigests, nil
	// where the entry has none.
	Verified *executable.Stamp
	Message  string
	Tags     []string
	// Args are the slots of the entry's args, and Data those of its data, in
	// the order of the policy.
	Args, Data []uint8
	// Labels has one for each of Args and then of Data, mostly empty.
	Labels []string
	// HasReturn says that the event reports the return value, as ReturnType.
	HasReturn  bool
	ReturnType SlotType
	// ReturnSlot is the slot of a return value that is no integer, or -1.
	ReturnSlot int
	// FirstBit is the group's lowest bit, Bits the number of its rules.
	FirstBit uint16
	Bits     uint16
	// FollowBit is the policy's number in the follow masks, or -1.
	FollowBit int
	// NoticeBit is the policy's number in the masks of what enforcers are
	// notified of, or -1.
	NoticeBit int
	// TrackBit is the policy's number in the masks of tracked sockets, or -1.
	// Events of a policy that has one report the owner of a socket that it
	// tracks.
	TrackBit int
}

// Hook is one hook, compiled: everything that its program needs.
type Hook struct {
	Key     HookKey
	Words   int // length of every vector
	Slots   []Slot
	Dims    []Dim // process dimensions first, then those of arguments
	NumProc int   // how many of Dims need no argument
	// ReturnDims are looked at when the call returns, on the rules that
	// matched at its entry.
	ReturnDims []Dim
	Table      []Entry
	Strings    []StringEntry
	// Automata are those of DimSubstring; the words whose indexes are in
	// AutomataVectors are indexes into Vectors.
	Automata        []uint32
	AutomataVectors []uint32
	// Expressions are those of DimExpression, on the numbers of slots.
	Expressions []*expression.Expr
	Vectors     [][]uint64 // each Words long; Vectors[0] has all rules set
	Rules       []Rule     // sorted by Bit; bits that are guards have none
	Groups      []Group
	// Single has the bits of groups of one rule, Start the first bit of every
	// other group, Guard the bit behind its last one, which is never a rule.
	// The winners among matching rules m are
	//   (m & Single) | (n &^ ((n | Guard) - Start))   with n = m &^ Single,
	// the subtraction being that of one long integer.
	Single, Start, Guard []uint64
	// HasReturn says that some rule waits for the return of the call.
	HasReturn bool
	// Many says that the hook is one of more than FewFunctions of a list: how
	// long they take to attach counts.
	Many bool
	// NoMulti says that a policy does not want one link for several hooks.
	NoMulti bool
}

// Enforces reports whether a rule of a group stops what it matches.
func (h *Hook) Enforces(group int) bool {
	return slices.ContainsFunc(h.Rules, func(r Rule) bool {
		return int(r.Group) == group && r.Flags&(RuleKill|RuleOverride) != 0 && r.Flags&RuleMonitor == 0
	})
}

// States of ProcessTables.Strings at which a binary's path is looked up.
const (
	StateBinary    uint32 = 1
	StateBinaryEnd uint32 = 2
)

// PIDSet makes a process join process sets by its id, at fork and when the
// policies are loaded; its later children inherit them.
type PIDSet struct {
	PID       uint32
	Namespace bool // PID is the id in the process's own pid namespace
	Sets      uint64
}

// ProcessTables classify a process when it is forked and when it executes a
// binary, for all hooks.
type ProcessTables struct {
	// Strings classify the path of the binary: Vector is the class. There are
	// none where no policy asks for binaries.
	Strings []StringEntry
	// Classes and EndClasses are how many classes there are from the states
	// StateBinary and StateBinaryEnd; class 0 is "no value matched".
	Classes, EndClasses uint32
	PIDSets             []PIDSet
	// Sets are the definitions of the process sets, by their bits. Equal ones
	// of two plans are the same set: who is in it stays in it.
	Sets []string
}

// Plan is the result of a compilation.
type Plan struct {
	Hooks   []*Hook // sorted by Key
	Process ProcessTables
	// Enforcers are those that have something to do.
	Enforcers []Enforcer
	// Loaders are the policies that want events of files that are mapped to be
	// executed.
	Loaders []Loader
	// Skipped are what policies ask for and this kernel does not have, where
	// they say to ignore that.
	Skipped []Skipped
	// Warnings are what is doubtful, by the policies' indexes.
	Warnings map[int][]policy.Diagnostic
}

// Skipped is a function of a hook entry that the kernel does not have, or a
// place in a program that is another one.
type Skipped struct {
	Policy   int // index into Input.Policies
	Section  string
	Entry    int
	Function string
	// Partial says that the entry has other functions, which the kernel has.
	Partial bool
	// Digest says that the function is there, but not in a file with one of
	// binaryDigests.
	Digest bool
	Reason string
}
