/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Changes of a process's namespaces and capabilities since they were noted. */
#ifndef VEDETTE_CHANGES_H
#define VEDETTE_CHANGES_H

#include "maps.h"
#include "task.h"

/*
 * Whether the calling thread's task comes typed, since 5.11: then what hangs
 * on it is loaded directly, which is many times faster.
 */
#define VD_TASK_IS_TYPED \
	bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

/* The number of one of the calling thread's namespaces. */
static __always_inline __u32 vd_current_namespace(__u32 which)
{
	if (VD_TASK_IS_TYPED)
		return vd_task_namespace(bpf_get_current_task_btf(), which);
	return vd_namespace((struct task_struct *)bpf_get_current_task(), which);
}

/*
 * 1 << i where a namespace is another than the one noted. No branch: the
 * verifier would follow each combination of them.
 */
static __always_inline __u64 vd_differs(__u32 now, __u32 noted, __u32 i)
{
	__u64 differs = now ^ noted;

	vd_bounded(differs);
	return (differs + 0xffffffff) >> 32 << i;
}

/* The kinds of namespaces (those asked for) that are others than those noted, a bit each. */
static __noinline __u64 vd_namespace_changes(const struct vd_process *p, __u32 kinds)
{
	__u64 changes = 0;
	__u32 i;

	if (VD_TASK_IS_TYPED) {
		struct task_struct *task = bpf_get_current_task_btf();

#pragma clang loop unroll(full)
		for (i = 0; i < VD_NS_COUNT; i++) {
			if (kinds & 1U << i)
				changes |= vd_differs(vd_task_namespace(task, i), p->ns[i], i);
		}
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

#pragma clang loop unroll(full)
		for (i = 0; i < VD_NS_COUNT; i++) {
			if (kinds & 1U << i)
				changes |= vd_differs(vd_namespace(task, i), p->ns[i], i);
		}
	}
	return changes;
}

/* One of the sets of capabilities of the calling thread. */
static __always_inline __u64 vd_current_caps(__u8 which)
{
	const struct cred *c;

	if (VD_TASK_IS_TYPED) {
		c = bpf_get_current_task_btf()->real_cred;
		return vd_task_capability(which == VD_CAPS_EFFECTIVE ? &c->cap_effective :
					  which == VD_CAPS_PERMITTED ? &c->cap_permitted :
								       &c->cap_inheritable);
	}
	c = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), real_cred);
	return vd_capability(which == VD_CAPS_EFFECTIVE ? &c->cap_effective :
			     which == VD_CAPS_PERMITTED ? &c->cap_permitted :
							  &c->cap_inheritable);
}

/* Notes what the event of a rule has told, so that only the next change is told again. */
static __noinline void vd_note_told(struct vd_process *p, __u32 flags)
{
	__u32 i;

	if (flags & VD_RULE_NAMESPACES_TOLD) {
#pragma clang loop unroll(full)
		for (i = 0; i < VD_NS_COUNT; i++)
			p->ns[i] = vd_current_namespace(i);
	}
	if (flags & VD_RULE_CAPS_TOLD) {
		p->caps[VD_CAPS_EFFECTIVE] = vd_current_caps(VD_CAPS_EFFECTIVE);
		p->caps[VD_CAPS_PERMITTED] = vd_current_caps(VD_CAPS_PERMITTED);
		p->caps[VD_CAPS_INHERITABLE] = vd_current_caps(VD_CAPS_INHERITABLE);
	}
}

#endif
