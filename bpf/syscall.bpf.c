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
	__uint(max_entries, 1024); /* system call numbers */
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
#define VD_X32_FIRST 512

SEC("tp_btf/sys_enter")
int vd_sys_enter(__u64 *ctx)
{
	__u32 number = ctx[1];

	if (number & vd_x32_bit) {
		number &= ~vd_x32_bit;
		if (number >= VD_X32_FIRST) {
			vd_count(VD_COUNT_COMPAT_SYSCALL);
			return 0;
		}
	}
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
