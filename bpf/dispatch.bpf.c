//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What stands at a hook. Each of these leads to the hook's program of the
 * moment, or to nothing where there is none yet: to exchange a hook's program
 * is one store, before which only the old one acts and after which only the
 * new one does. Two programs at the hook, one of them told to be silent,
 * would not be the same: a call can pass the first before the store and the
 * second after it.
 */
#include "await.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} vd_entry_program SEC(".maps");

/* The program in force and the one before it, in which calls may be under way. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2); /* vd_pending.return_slot & 1 */
	__type(key, __u32);
	__type(value, __u32);
} vd_return_program SEC(".maps");

struct vd_dispatch_config {
	__u32 hook;
	__u32 wrapper; /* the function is that of a system call */
	__u32 verdicts; /* its verdict ends with its return */
	__u32 stack; /* offsets in struct pt_regs, see struct vd_syscall_abi */
	__u32 popped;
};

const volatile struct vd_dispatch_config vd_dispatch;

#define VD_AT(section, type, name)                          \
	SEC(section) type name(void *ctx)                   \
	{                                                   \
		bpf_tail_call(ctx, &vd_entry_program, 0);   \
		return 0;                                   \
	}

VD_AT("fentry/fd_install", int, vd_at_fentry)
VD_AT("kprobe", int, vd_at_kprobe)
VD_AT("lsm/file_open", long, vd_at_lsm)
VD_AT("fmod_ret/security_file_open", long, vd_at_fmod_ret)
VD_AT("tracepoint", int, vd_at_tracepoint)
VD_AT("raw_tracepoint", int, vd_at_raw_tracepoint)
VD_AT("tp_btf/sys_exit", int, vd_at_btf_tracepoint)

/*
 * Completes events with the hash of their file, which only a program that may
 * sleep can ask for. It comes after the dispatcher and the hook's program: of
 * the programs at an LSM hook the one attached last is the first.
 */
static __always_inline int vd_hash(struct file *file)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct vd_hash_record *h = bpf_map_lookup_elem(&vd_hashes, &tid);
	long algorithm = -1;

	if (!h)
		return 0;
	if (file)
		algorithm = bpf_ima_file_hash(file, h->digest, sizeof(h->digest));
	h->hash.status = algorithm < 0 ? VD_VALUE_FAILED : 0;
	h->hash.num = algorithm;
	vd_header_init(&h->record.header, VD_RECORD_HOOK, 0, sizeof(*h), h->record.header.time);
	if (bpf_ringbuf_output(&vd_ring_bulk, h, sizeof(*h), 0))
		vd_count(VD_COUNT_LOST_BULK);
	bpf_map_delete_elem(&vd_hashes, &tid);
	return 0;
}

SEC("lsm.s/file_open")
int vd_at_hash_file(__u64 *ctx)
{
	return vd_hash((struct file *)ctx[0]);
}

SEC("lsm.s/bprm_check_security")
int vd_at_hash_binary(__u64 *ctx)
{
	struct linux_binprm *bprm = (struct linux_binprm *)ctx[0];

	return vd_hash(bprm->file);
}

/* Leads to the program that completes the call, if any awaits its return. */
static __always_inline void vd_lead_return(void *ctx, __u64 frame)
{
	struct vd_call_key key = { .task = vd_task(), .frame = frame, .hook = vd_dispatch.hook };
	struct vd_pending *p;

	if (vd_dispatch.wrapper)
		p = bpf_map_lookup_elem(&vd_pending, &key.task);
	else
		p = bpf_map_lookup_elem(&vd_calls, &key);
	if (!p)
		return;
	bpf_tail_call(ctx, &vd_return_program, p->return_slot & 1);
	/* The hook's rules are gone. */
	vd_abandon(p);
	if (vd_dispatch.wrapper)
		bpf_map_delete_elem(&vd_pending, &key.task);
	else
		bpf_map_delete_elem(&vd_calls, &key);
}

SEC("fexit/fd_install")
int vd_at_fexit(void *ctx)
{
	if (vd_dispatch.verdicts) {
		__u32 tid = bpf_get_current_pid_tgid();

		bpf_map_delete_elem(&vd_verdicts, &tid);
	}
	vd_lead_return(ctx, (__u64)ctx);
	return 0;
}

SEC("kprobe")
int vd_at_kretprobe(void *ctx)
{
	__u64 stack = 0;

	bpf_probe_read_kernel(&stack, 8, ctx + vd_dispatch.stack);
	vd_lead_return(ctx, stack - vd_dispatch.popped);
	return 0;
}
