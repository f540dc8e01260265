//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Enforcers carry out what hooks of their policy have noted for the thread
 * (vd_notices), at the calls that the policy lists: system calls and security
 * functions. Of a system call, signals are sent at its entry, behind all
 * hooks that can have noted something there; an error is given by its own
 * function where the kernel lets that be replaced, elsewhere by the guards on
 * its way (guard.bpf.c). What was noted later in the call and could not be
 * carried out by then is at its return, as far as it is a signal.
 */
#include "maps.h"
#include "notify.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct vd_enforcer_config vd_enforcer;

#define VD_X32_CALL 0x40000000 /* __X32_SYSCALL_BIT: most such calls are the machine's own */
#define VD_SIGKILL 9
#define VD_EPERM 1
#define VD_ERROR_MAX 4095 /* MAX_ERRNO, include/linux/err.h */

/* Which policies' enforcers list a call. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} vd_enforced SEC(".maps");

static __always_inline __u64 vd_enforcers_of(__u32 key)
{
	__u64 *policies = bpf_map_lookup_elem(&vd_enforced, &key);

	return policies ? *policies : 0;
}

/* The agent is spared: with it all enforcement would end. */
static __always_inline bool vd_is_spared(void)
{
	__u32 zero = 0;
	__u32 *agent = bpf_map_lookup_elem(&vd_agent, &zero);

	return agent && *agent == bpf_get_current_pid_tgid() >> 32;
}

/*
 * Carries out what is open for some policies, but for the error, which it
 * returns: the first that is there. With kills_fail who is killed gets EPERM.
 */
static __noinline __s32 vd_carry_out(struct vd_notice *n, __u64 policies, bool kills_fail)
{
	__u64 open = n->open & policies;
	__s32 error = 0;
	__u32 signal = 0, i;

	if (!open)
		return 0;
	n->open &= ~open;
	for (i = 0; i < VD_MAX_ENFORCERS; i++) {
		if (!(open >> i & 1))
			continue;
		if (!error)
			error = n->sentences[i].error;
		if (signal != VD_SIGKILL && n->sentences[i].signal)
			signal = n->sentences[i].signal;
	}
	if (vd_is_spared()) {
		vd_count(VD_COUNT_SIGNAL_FAILED);
		return 0;
	}
	if (signal && bpf_send_signal(signal))
		vd_count(VD_COUNT_SIGNAL_FAILED);
	if (!error && kills_fail && signal == VD_SIGKILL)
		error = -VD_EPERM;
	return error;
}

/* Forgets what the thread has noted, and counts what was not carried out. */
static __always_inline void vd_forget(struct vd_notice *n, __u32 tid)
{
	if (n->open)
		vd_count(VD_COUNT_NOTICE_MISSED);
	bpf_map_delete_elem(&vd_notices, &tid);
}

/* The key of the system call with a number. */
static __always_inline __u32 vd_call_key_of(struct task_struct *task, __u64 number)
{
	__u32 key = number & ~VD_X32_CALL;

	if (vd_enforcer.compat_status &&
	    (BPF_CORE_READ(task, thread_info.status) & vd_enforcer.compat_status))
		key |= VD_COMPAT_CALL;
	return key;
}

SEC("tp_btf/sys_enter")
int vd_enforce_enter(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = bpf_get_current_pid_tgid(), key;
	struct vd_notice *n = vd_noticed(task, tid);
	struct vd_verdict verdict = { .hook = vd_enforcer.verdicts };

	if (!n)
		return 0;
	key = vd_call_key_of(task, ctx[1]);
	verdict.error = vd_carry_out(n, vd_enforcers_of(key), false);
	if (verdict.error && bpf_map_update_elem(&vd_verdicts, &tid, &verdict, BPF_ANY))
		vd_count(VD_COUNT_VERDICT_FULL);
	if (key == vd_enforcer.exits[0] || key == vd_enforcer.exits[1])
		vd_forget(n, tid);
	return 0;
}

SEC("tp_btf/sys_exit")
int vd_enforce_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = bpf_get_current_pid_tgid();
	struct vd_notice *n = vd_noticed(task, tid);
	__u64 number = 0;

	if (!n)
		return 0;
	if (n->open) {
		bpf_probe_read_kernel(&number, 8, (void *)ctx[0] + vd_enforcer.number);
		/* The call has its result. */
		if (vd_carry_out(n, vd_enforcers_of(vd_call_key_of(task, (__u32)number)), false))
			vd_count(VD_COUNT_NOTICE_MISSED);
	}
	vd_forget(n, tid);
	bpf_map_delete_elem(&vd_verdicts, &tid);
	return 0;
}

/* A security function, or a system call whose result can be replaced. */
static __always_inline long vd_enforce_function(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tid = bpf_get_current_pid_tgid();
	struct vd_notice *n = vd_noticed(task, tid);
	struct vd_verdict *v;
	long result = 0;

	if (!n)
		return 0;
	if (vd_enforcer.wrapper) {
		v = bpf_map_lookup_elem(&vd_verdicts, &tid);
		if (v)
			result = v->error;
	}
	if (!result)
		result = vd_carry_out(n, vd_enforcers_of(vd_enforcer.key), true);
	vd_bounded(result);
	if (result >= 0 || result < -VD_ERROR_MAX)
		return 0;
	return result;
}

SEC("lsm/file_open")
long vd_enforce_lsm(void *ctx)
{
	return vd_enforce_function();
}

SEC("fmod_ret/security_file_open")
long vd_enforce_fmod_ret(void *ctx)
{
	return vd_enforce_function();
}
