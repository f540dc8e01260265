// SPDX-License-Identifier: Apache-2.0

package bpf

// The structures of vedette.h under the names that Go code uses.
type (
	// Header begins every record.
	Header = ContractVdHeader
	// ProcessID is the part of an exec id that the kernel knows.
	ProcessID = ContractVdProcessId
	// Fork is a fork record.
	Fork = ContractVdFork
	// Cred are the credentials of a process.
	Cred = ContractVdCred
	// Exec is an exec record, or with TASK an older process; strings follow it.
	Exec = ContractVdExec
	// ExecData is a chunk of a long argument area, sent before its Exec.
	ExecData = ContractVdExecData
	// Exit is an exit record.
	Exit = ContractVdExit
	// HookRecord is a match of rules of a hook; a vector and values follow it.
	HookRecord = ContractVdHookRecord
	// Value is one value of a HookRecord; its content follows it.
	Value = ContractVdValue
	// HookData is a part of a long buffer, sent before its HookRecord.
	HookData = ContractVdHookData
	// CredValue is the content of a value with credentials.
	CredValue = ContractVdCredValue
	// UserNSValue is the content of a value with a user namespace.
	UserNSValue = ContractVdUserNsValue
	// ModuleValue is the content of a value with a kernel module.
	ModuleValue = ContractVdModuleValue
	// BPFProgValue is the content of a value with a BPF program.
	BPFProgValue = ContractVdBpfProgValue
	// BPFMapValue is the content of a value with a BPF map.
	BPFMapValue = ContractVdBpfMapValue
	// PerfEventValue is the content of a value with a perf event.
	PerfEventValue = ContractVdPerfEventValue
	// SlotConfig says how a hook's program fetches an argument.
	SlotConfig = ContractVdSlotConfig
	// Steps are the way from a pointer to a value.
	Steps = ContractVdSteps
	// Operand says where a static probe has an argument.
	Operand = ContractVdOperand
	// Set is what an action writes into an argument of a static probe.
	Set = ContractVdSet
	// RegisterWrite is what an action writes into a register.
	RegisterWrite = ContractVdRegisterWrite
	// BuildIDFrame is one frame of a stack in user space, by its file.
	BuildIDFrame = ContractVdBuildIdFrame
	// DimConfig is one dimension of a hook's program.
	DimConfig = ContractVdDimConfig
	// HookConfig is what a hook's program is specialised to.
	HookConfig = ContractVdHookConfig
	// DimTables say where the tables of a dimension are.
	DimTables = ContractVdDimTables
	// HookTables are the rules of a hook.
	HookTables = ContractVdHookTables
	// Entry is a row of the integer table.
	Entry = ContractVdEntry
	// StringKey is the key of a string table.
	StringKey = ContractVdStringKey
	// StringValue is the value of a string table.
	StringValue = ContractVdStringValue
	// FDOp is a descriptor action of a rule.
	FDOp = ContractVdFdOp
	// Rule says what a matching rule does.
	Rule = ContractVdRule
	// RuleCounters say what a rule has done on one CPU.
	RuleCounters = ContractVdRuleCounters
	// Process is what hooks know of a process.
	Process = ContractVdProcess
	// Origin is what an image was that living processes come from.
	Origin = ContractVdOrigin
	// Workload are the classes of the workload of a cgroup.
	Workload = ContractVdWorkload
	// PIDSetKey is the key of the process sets by process id.
	PIDSetKey = ContractVdPidSetKey
	// FollowedKey is the key of the followed descriptors.
	FollowedKey = ContractVdFollowedKey
	// Followed is a followed descriptor.
	Followed = ContractVdFollowed
	// Pending is a call that awaits its return.
	Pending = ContractVdPending
	// CallKey is the key of a function's call that awaits its return.
	CallKey = ContractVdCallKey
	// Verdict is a system call that is to fail.
	Verdict = ContractVdVerdict
	// Notice is what enforcers have been notified of for a thread.
	Notice = ContractVdNotice
	// EnforcerConfig is what a program of an enforcer is specialised to.
	EnforcerConfig = ContractVdEnforcerConfig
	// Net is what is known of a socket, a packet or an address.
	Net = ContractVdNet
	// SockOwner is the process that has a socket tracked.
	SockOwner = ContractVdSockOwner
	// ProcessPolicy is what fork and exec need to know of the policies.
	ProcessPolicy = ContractVdProcessPolicy
	// SyscallABI says how the system call tracepoints are read.
	SyscallABI = ContractVdSyscallAbi
)
