// SPDX-License-Identifier: Apache-2.0

package kernel

// Feature is something that a kernel can offer, by the name that people of
// the field use.
type Feature string

// What Vedette asks kernels for. See [Offer.All] for the order in which they
// are told.
const (
	// FeatureBTF is the kernel's description of its own types.
	FeatureBTF Feature = "BTF"
	// FeatureRingBuffer is the BPF ring buffer.
	FeatureRingBuffer Feature = "ring buffer"

	// FeatureFentry, FeatureFexit and FeatureFmodRet are programs on
	// trampolines: at the entry of a function, at its return, and in place of
	// a security_ function that refuses.
	FeatureFentry  Feature = "fentry"
	FeatureFexit   Feature = "fexit"
	FeatureFmodRet Feature = "fmod_ret"
	// FeatureFmodRetSyscall is fmod_ret on the functions of system calls.
	FeatureFmodRetSyscall Feature = "fmod_ret on system calls"
	// FeatureSleepableSyscall is fentry programs that may sleep, on the
	// functions of system calls: they can read all memory of the caller.
	FeatureSleepableSyscall Feature = "sleepable fentry on system calls"
	// FeatureTailCallTracing is a tail call from one fentry program to
	// another on the same function.
	FeatureTailCallTracing Feature = "tail call in fentry"
	// FeatureTracingCookies are attach cookies of fentry, fexit, fmod_ret and
	// LSM programs.
	FeatureTracingCookies Feature = "cookies on trampolines"

	// FeatureLSM and FeatureSleepableLSM are BPF programs as security module:
	// not only loaded, but asked.
	FeatureLSM          Feature = "LSM"
	FeatureSleepableLSM Feature = "sleepable LSM"

	// FeatureIMA is the hash of a file by the integrity measurement
	// architecture, which LSM programs can ask for.
	FeatureIMA Feature = "IMA hash"

	// FeatureKprobe, FeatureKretprobe and their kin are probes of functions
	// at run time.
	FeatureKprobe         Feature = "kprobe"
	FeatureKretprobe      Feature = "kretprobe"
	FeatureKprobeMulti    Feature = "kprobe.multi"
	FeatureKretprobeMulti Feature = "kretprobe.multi"
	FeatureKprobeSession  Feature = "kprobe.session"
	// FeatureOverride is the helper bpf_override_return.
	FeatureOverride Feature = "override"

	// FeatureUprobe, FeatureUprobeMulti and FeatureUSDT are probes of
	// programs; USDT needs counters of users (semaphores).
	FeatureUprobe      Feature = "uprobe"
	FeatureUprobeMulti Feature = "uprobe.multi"
	FeatureUSDT        Feature = "usdt"
	// FeatureCookies are attach cookies of kprobes, uprobes and tracepoints.
	FeatureCookies Feature = "cookies"

	// FeatureBTFTracepoint, FeatureRawTracepoint and FeatureTracepoint are the
	// three ways to a tracepoint: with typed arguments, with bare arguments,
	// and as a perf event.
	FeatureBTFTracepoint Feature = "tp_btf"
	FeatureRawTracepoint Feature = "raw_tp"
	FeatureTracepoint    Feature = "tracepoint"

	// FeatureIterTask is the iterator of all tasks.
	FeatureIterTask Feature = "iter/task"
	// FeatureCgroupConnect is a program that is asked about connect on IPv4.
	FeatureCgroupConnect Feature = "cgroup/connect4"
	// FeatureTaskStorage is storage of a task's own in tracing programs.
	FeatureTaskStorage Feature = "task storage"
	// FeatureInnerMap is an array of maps whose inner arrays differ in size.
	FeatureInnerMap Feature = "inner maps of any size"
	// FeatureWriteUser is the helper bpf_probe_write_user.
	FeatureWriteUser Feature = "write user memory"
	// FeatureUprobeRegisters is that programs at uprobes may write registers.
	FeatureUprobeRegisters Feature = "uprobe registers"
	// FeatureSendSignal is the helper bpf_send_signal.
	FeatureSendSignal Feature = "send signal"

	// FeatureKfuncPathDPath, FeatureKfuncTaskExeFile and FeatureKfuncIterTask
	// are functions of the kernel that programs may call: the first two in LSM
	// programs, the last in all tracing programs.
	FeatureKfuncPathDPath   Feature = "kfunc bpf_path_d_path"
	FeatureKfuncTaskExeFile Feature = "kfunc bpf_get_task_exe_file"
	FeatureKfuncIterTask    Feature = "kfunc bpf_iter_task_new"
)

// fact is what is known of a feature before the kernel is asked, and how it
// is asked.
type fact struct {
	feature Feature
	since   string // the first version of Linux
	option  string // the build option
	try     func(*Offer) error
}

const (
	// The functions of system calls count as those whose errors may be
	// injected; newer kernels know them without that list.
	optionInjection  = "CONFIG_FUNCTION_ERROR_INJECTION, or Linux 7.2"
	optionTrampoline = "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"
	optionLSM        = "CONFIG_BPF_LSM and bpf in lsm="
	optionIMA        = "CONFIG_IMA, CONFIG_BPF_LSM and bpf in lsm="
	optionBTF        = "CONFIG_DEBUG_INFO_BTF"
)

// facts returns all features, in the order in which they are told.
func facts() []fact {
	return []fact{
		{FeatureBTF, "5.4", optionBTF, tryBTF},
		{FeatureRingBuffer, "5.8", "", tryRingBuffer},
		{FeatureFentry, "5.5", optionTrampoline, tryFentry},
		{FeatureFexit, "5.5", optionTrampoline, tryFexit},
		{FeatureFmodRet, "5.7", optionTrampoline, tryFmodRet},
		{FeatureFmodRetSyscall, "5.7", optionInjection, tryFmodRetSyscall},
		{FeatureSleepableSyscall, "5.10", optionInjection, trySleepableSyscall},
		{FeatureTailCallTracing, "5.5", optionTrampoline, tryTailCall},
		{FeatureTracingCookies, "5.19", optionTrampoline, tryTracingCookies},
		{FeatureLSM, "5.7", optionLSM, tryLSM},
		{FeatureSleepableLSM, "5.11", optionLSM, trySleepableLSM},
		{FeatureIMA, "5.18", optionIMA, tryIMA},
		{FeatureKprobe, "4.17", "CONFIG_KPROBES", tryKprobe},
		{FeatureKretprobe, "4.17", "CONFIG_KRETPROBES", tryKretprobe},
		{FeatureKprobeMulti, "5.18", "CONFIG_FPROBE", tryKprobeMulti},
		{FeatureKretprobeMulti, "5.18", "CONFIG_FPROBE", tryKretprobeMulti},
		{FeatureKprobeSession, "6.10", "CONFIG_FPROBE", tryKprobeSession},
		{FeatureOverride, "4.16", "CONFIG_BPF_KPROBE_OVERRIDE", tryOverride},
		{FeatureUprobe, "4.17", "CONFIG_UPROBE_EVENTS", tryUprobe},
		{FeatureUprobeMulti, "6.6", "CONFIG_UPROBE_EVENTS", tryUprobeMulti},
		{FeatureUSDT, "4.20", "CONFIG_UPROBE_EVENTS", tryUSDT},
		{FeatureCookies, "5.15", "CONFIG_BPF_EVENTS", tryCookies},
		{FeatureBTFTracepoint, "5.5", optionBTF, tryBTFTracepoint},
		{FeatureRawTracepoint, "4.17", "CONFIG_BPF_EVENTS", tryRawTracepoint},
		{FeatureTracepoint, "4.7", "CONFIG_BPF_EVENTS", tryTracepoint},
		{FeatureIterTask, "5.8", optionBTF, tryIterTask},
		{FeatureCgroupConnect, "4.17", "CONFIG_CGROUP_BPF", tryCgroupConnect},
		{FeatureTaskStorage, "5.12", optionBTF, tryTaskStorage},
		{FeatureInnerMap, "5.10", "", tryInnerMap},
		{FeatureSendSignal, "5.3", "CONFIG_BPF_EVENTS", trySendSignal},
		{FeatureWriteUser, "4.8", "no lockdown and CAP_SYS_ADMIN", tryWriteUser},
		{FeatureUprobeRegisters, "6.18", "CONFIG_UPROBE_EVENTS", tryUprobeRegisters},
		{FeatureKfuncPathDPath, "6.12", optionLSM, tryPathDPath},
		{FeatureKfuncTaskExeFile, "6.12", optionLSM, tryTaskExeFile},
		{FeatureKfuncIterTask, "6.7", optionBTF, tryKfuncIterTask},
	}
}
