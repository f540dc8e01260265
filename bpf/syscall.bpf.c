//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Where a kernel offers nothing better, system calls are seen through the
 * sys_enter and sys_exit tracepoints. One program each leads to the program
 * of the hook by the call's number: what a call without policy pays does not
 * grow with the policies, and to exchange a hook's program is one store.
 */
#include "await.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2 * VD_COMPAT_ENTRIES); /* system call numbers, and behind them those of 32-bit calls */
	__type(key, __u32);
	__type(value, __u32);
} vd_enter_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2048); /* vd_pending.return_slot: two of each call */
	__type(key, __u32);
	__type(value, __u32);
} vd_return_programs SEC(".maps");

/* vd_syscall_abi.x32_bit */
const volatile __u32 vd_x32_bit;
/* The numbers from here on are that ABI's own (arch/x86/entry/syscalls/syscall_64.tbl). */
#define VD_X32_FIRST VD_COMPAT_ENTRIES

/* vd_syscall_abi.compat_status while there are hooks on 32-bit calls, else 0 */
__u32 vd_compat_status;

/* Whether the call is a 32-bit one, and those are told apart. */
static __always_inline bool vd_is_compat_call(void)
{
	struct task_struct *task;

	if (!vd_compat_status)
		return false;
	task = (struct task_struct *)bpf_get_current_task();
	return BPF_CORE_READ(task, thread_info.status) & vd_compat_status;
}

SEC("tp_btf/sys_enter")
int vd_sys_enter(__u64 *ctx)
{
	__u32 number = ctx[1];

	if (vd_is_compat_call()) {
		if (number < VD_COMPAT_ENTRIES)
			bpf_tail_call(ctx, &vd_enter_programs, VD_COMPAT_ENTRIES + number);
		return 0;
	}
	if (number & vd_x32_bit) {
		number &= ~vd_x32_bit;
		if (number >= VD_X32_FIRST) {
			vd_count(VD_COUNT_COMPAT_SYSCALL);
			return 0;
		}
	}
	if (number >= VD_COMPAT_ENTRIES)
		return 0;
	bpf_tail_call(ctx, &vd_enter_programs, number);
	return 0;
}

SEC("tp_btf/sys_exit")
int vd_sys_exit(__u64 *ctx)
{
	__u64 task = vd_task();
	struct vd_pending *p = bpf_map_lookup_elem(&vd_pending, &task);

	if (!p)
		return 0;
	bpf_tail_call(ctx, &vd_return_programs, p->return_slot);
	/* The hook's rules are gone. */
	vd_abandon(p);
	bpf_map_delete_elem(&vd_pending, &task);
	return 0;
}
