//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What stands at all functions that are hooked by kprobe.multi: any number of
 * them has one link, and one pair of programs that lead to the program of the
 * hook, by the number in the attach cookie. To exchange a hook's program is
 * one store.
 */
#include "await.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1); /* set by the loader: numbers of hooks */
	__type(key, __u32);
	__type(value, __u32);
} vd_multi_entries SEC(".maps");

/*
 * By programs and not by hooks: a program that several hooks share is not
 * everywhere the successor of the same one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1); /* set by the loader: vd_pending.return_slot */
	__type(key, __u32);
	__type(value, __u32);
} vd_multi_returns SEC(".maps");

/* Offsets in struct pt_regs, see struct vd_syscall_abi. */
const volatile __u32 vd_stack, vd_popped;

SEC("kprobe.multi")
int vd_at_multi(void *ctx)
{
	bpf_tail_call(ctx, &vd_multi_entries, bpf_get_attach_cookie(ctx) & ~VD_COOKIE_WRAPPER);
	return 0;
}

/* The call of a function, whose entry may be among others of its own. */
static __always_inline void vd_lead_function(void *ctx, __u32 hook)
{
	struct vd_call_key key = { .task = vd_task(), .hook = hook };
	struct vd_pending *p;
	__u64 stack = 0;

	bpf_probe_read_kernel(&stack, 8, ctx + vd_stack);
	key.frame = stack - vd_popped;
	p = bpf_map_lookup_elem(&vd_calls, &key);
	if (!p)
		return;
	bpf_tail_call(ctx, &vd_multi_returns, p->return_slot);
	/* The hook's rules are gone. */
	vd_abandon(p);
	bpf_map_delete_elem(&vd_calls, &key);
}

static __always_inline void vd_lead_call(void *ctx, __u32 hook)
{
	__u64 task = vd_task();
	struct vd_pending *p = bpf_map_lookup_elem(&vd_pending, &task);

	if (!p || p->hook != hook)
		return;
	bpf_tail_call(ctx, &vd_multi_returns, p->return_slot);
	vd_abandon(p);
	bpf_map_delete_elem(&vd_pending, &task);
}

SEC("kprobe.multi")
int vd_at_multi_return(void *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u32 hook = cookie & ~VD_COOKIE_WRAPPER;

	if (cookie & VD_COOKIE_WRAPPER)
		vd_lead_call(ctx, hook);
	else
		vd_lead_function(ctx, hook);
	return 0;
}
