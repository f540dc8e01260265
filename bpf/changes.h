/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Changes of a process's namespaces and capabilities since they were noted. */
#ifndef VEDETTE_CHANGES_H
#define VEDETTE_CHANGES_H

#include "maps.h"
#include "task.h"

/*
 * The namespaces of the calling thread. Since 5.11 the task comes typed: then
 * what hangs on it is loaded directly, which is many times faster.
 */
static __always_inline void vd_current_namespaces(__u32 *ns)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		struct task_struct *task = bpf_get_current_task_btf();

		vd_task_namespaces(task, ns);
		vd_task_nspid(task, &ns[VD_NS_PID]);
		ns[VD_NS_USER] = task->real_cred->user_ns->ns.inum;
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		__u32 i;

#pragma clang loop unroll(full)
		for (i = 0; i < VD_NS_COUNT; i++)
			ns[i] = vd_namespace(task, i);
	}
}

/* The kinds of namespaces that are others than those noted, a bit each. */
static __noinline __u64 vd_namespace_changes(const struct vd_process *p)
{
	__u32 now[VD_NS_COUNT] = {};
	__u64 changes = 0;
	__u32 i;

	vd_current_namespaces(now);
#pragma clang loop unroll(full)
	for (i = 0; i < VD_NS_COUNT; i++) {
		__u64 differs = now[i] ^ p->ns[i];

		/* No branches: the verifier would follow each combination of them. */
		vd_bounded(differs);
		changes |= (differs + 0xffffffff) >> 32 << i;
	}
	return changes;
}

static __always_inline __u64 vd_caps(struct task_struct *task, __u8 which)
{
	const struct cred *c = BPF_CORE_READ(task, real_cred);

	if (which == VD_CAPS_EFFECTIVE)
		return vd_capability(&c->cap_effective);
	if (which == VD_CAPS_PERMITTED)
		return vd_capability(&c->cap_permitted);
	return vd_capability(&c->cap_inheritable);
}

/* Notes what the event of a rule has told, so that only the next change is told again. */
static __noinline void vd_note_told(struct vd_process *p, struct task_struct *task, __u32 flags)
{
	if (flags & VD_RULE_NAMESPACES_TOLD)
		vd_current_namespaces(p->ns);
	if (flags & VD_RULE_CAPS_TOLD) {
		p->caps[VD_CAPS_EFFECTIVE] = vd_caps(task, VD_CAPS_EFFECTIVE);
		p->caps[VD_CAPS_PERMITTED] = vd_caps(task, VD_CAPS_PERMITTED);
		p->caps[VD_CAPS_INHERITABLE] = vd_caps(task, VD_CAPS_INHERITABLE);
	}
}

#endif
