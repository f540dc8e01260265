/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Stack traces in records, of hook.bpf.c. They are walked into the record and
 * not kept in a map of stacks, where two that have the same hash cost one of
 * them.
 */
#ifndef VEDETTE_STACK_H
#define VEDETTE_STACK_H

/* Flags of bpf_get_stack (include/uapi/linux/bpf.h). */
#define BPF_F_USER_STACK (1ULL << 8)
#define BPF_F_USER_BUILD_ID (1ULL << 11)

#define VD_RULE_STACKS (VD_RULE_STACK_KERNEL | VD_RULE_STACK_USER)

/* What stacks may take of a record: three values and their content. */
#define VD_STACKS_MAX (3 * sizeof(struct vd_value) + VD_MAX_FRAMES * (8 + 8 + VD_BUILD_ID_FRAME))

/*
 * Walks one stack to where values go in the record; returns where the next
 * value goes. There is no value for a stack that cannot be walked: a thread
 * of the kernel has none of user space.
 */
static __noinline __u32 vd_put_stack(struct vd_run *run, __u32 at, __u32 type)
{
	struct vd_hook_scratch *s = run->s;
	struct vd_value *v;
	char *frames;
	long n;

	if (at > VD_HOOK_RECORD_MAX - VD_STACKS_MAX)
		return at;
	v = (void *)&s->record[at];
	frames = (char *)(v + 1);
	if (type == VD_TYPE_STACK_KERNEL)
		n = bpf_get_stack(run->ctx, frames, VD_MAX_FRAMES * 8, 0);
	else if (type == VD_TYPE_STACK_USER)
		n = bpf_get_stack(run->ctx, frames, VD_MAX_FRAMES * 8, BPF_F_USER_STACK);
	else
		n = bpf_get_stack(run->ctx, frames, VD_MAX_FRAMES * VD_BUILD_ID_FRAME,
				  BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
	if (n <= 0 || n > VD_MAX_FRAMES * VD_BUILD_ID_FRAME)
		return at;
	v->type = type;
	v->slot = 0xff;
	v->status = 0;
	v->len = n;
	v->num = 0;
	((struct vd_hook_record *)s->record)->n_values++;
	return at + sizeof(*v) + (__u32)n;
}

/*
 * Walks the stacks that rules want of those that have an event. The frames of
 * user space come twice: as addresses, which say where they are in a process
 * that still runs, and as places in files, which also an ended one leaves.
 */
static __always_inline __u32 vd_put_stacks(struct vd_run *run, __u32 at)
{
	__u32 stacks = run->s->cursor.stacks;

	if (stacks & VD_RULE_STACK_KERNEL)
		at = vd_put_stack(run, at, VD_TYPE_STACK_KERNEL);
	if (stacks & VD_RULE_STACK_USER) {
		at = vd_put_stack(run, at, VD_TYPE_STACK_USER);
		at = vd_put_stack(run, at, VD_TYPE_STACK_BUILD_ID);
	}
	return at;
}

#endif
