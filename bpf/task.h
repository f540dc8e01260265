/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Facts of a task, read from the kernel's structures. */
#ifndef VEDETTE_TASK_H
#define VEDETTE_TASK_H

#include "maps.h"

#define VD_PF_KTHREAD 0x00200000 /* include/linux/sched.h */
#define VD_SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */

static __always_inline struct pid_namespace *vd_pid_namespace(struct task_struct *task, __u32 *nr)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			    level * bpf_core_type_size(struct upid);

	*nr = level ? BPF_CORE_READ(upid, nr) : 0;
	return BPF_CORE_READ(upid, ns);
}

static __always_inline __u64 vd_capability(const kernel_cap_t *cap)
{
	__u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), cap);
	return v;
}

static __always_inline __u32 vd_namespace(struct task_struct *task, __u32 which)
{
	struct nsproxy *ns = BPF_CORE_READ(task, nsproxy);
	__u32 nr;

	switch (which) {
	case VD_NS_UTS:
		return BPF_CORE_READ(ns, uts_ns, ns.inum);
	case VD_NS_IPC:
		return BPF_CORE_READ(ns, ipc_ns, ns.inum);
	case VD_NS_MNT:
		return BPF_CORE_READ(ns, mnt_ns, ns.inum);
	case VD_NS_PID:
		return BPF_CORE_READ(vd_pid_namespace(task, &nr), ns.inum);
	case VD_NS_PID_FOR_CHILDREN:
		return BPF_CORE_READ(ns, pid_ns_for_children, ns.inum);
	case VD_NS_NET:
		return BPF_CORE_READ(ns, net_ns, ns.inum);
	case VD_NS_TIME:
		return bpf_core_field_exists(ns->time_ns) ? BPF_CORE_READ(ns, time_ns, ns.inum) : 0;
	case VD_NS_TIME_FOR_CHILDREN:
		return bpf_core_field_exists(ns->time_ns_for_children) ?
			       BPF_CORE_READ(ns, time_ns_for_children, ns.inum) :
			       0;
	case VD_NS_CGROUP:
		return BPF_CORE_READ(ns, cgroup_ns, ns.inum);
	case VD_NS_USER:
		return BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	}
	return 0;
}

/* When the task's process was forked, in nanoseconds since boot. */
static __always_inline __u64 vd_born(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline bool vd_in_user_namespace(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_cred, user_ns, level) > 0;
}

/*
 * From here on tasks come typed, as the arguments of BTF tracepoints and of
 * the task iterator do: what hangs on them is loaded directly, without a
 * call of a helper for each member. A load from a bad address gives 0.
 */

/* The task's id in its own pid namespace, 0 in the host's, and that namespace's number. */
static __always_inline __u32 vd_task_nspid(struct task_struct *task, __u32 *pid_namespace)
{
	struct pid *pid = task->thread_pid;
	__u32 nr;

	if (!pid->level) {
		*pid_namespace = pid->numbers[0].ns->ns.inum;
		return 0;
	}
	*pid_namespace = BPF_CORE_READ(vd_pid_namespace(task, &nr), ns.inum);
	return nr;
}

static __always_inline __u64 vd_task_capability(const kernel_cap_t *cap)
{
	/* Two words before 6.3, whose bounds the verifier keeps. */
	const __u32 *words = (const void *)cap;

	return words[0] | (__u64)words[1] << 32;
}

/* Everything of the credentials. */
static __always_inline void vd_task_credentials(struct task_struct *task, struct vd_cred *to)
{
	const struct cred *c = task->real_cred;
	struct user_namespace *ns = c->user_ns;

	to->uid = c->uid.val;
	to->gid = c->gid.val;
	to->euid = c->euid.val;
	to->egid = c->egid.val;
	to->suid = c->suid.val;
	to->sgid = c->sgid.val;
	to->fsuid = c->fsuid.val;
	to->fsgid = c->fsgid.val;
	to->securebits = c->securebits;
	to->userns_level = ns->level;
	to->userns_owner = ns->owner.val;
	to->userns_group = ns->group.val;
	to->cap_permitted = vd_task_capability(&c->cap_permitted);
	to->cap_effective = vd_task_capability(&c->cap_effective);
	to->cap_inheritable = vd_task_capability(&c->cap_inheritable);
}

/* The namespaces that a task's proxy refers to; a task that has ended has none. */
static __always_inline void vd_task_namespaces(struct task_struct *task, __u32 *to)
{
	struct nsproxy *ns = task->nsproxy;

	to[VD_NS_UTS] = ns->uts_ns->ns.inum;
	to[VD_NS_IPC] = ns->ipc_ns->ns.inum;
	to[VD_NS_MNT] = ns->mnt_ns->ns.inum;
	to[VD_NS_PID_FOR_CHILDREN] = ns->pid_ns_for_children->ns.inum;
	to[VD_NS_NET] = ns->net_ns->ns.inum;
	if (bpf_core_field_exists(ns->time_ns)) {
		to[VD_NS_TIME] = ns->time_ns->ns.inum;
		to[VD_NS_TIME_FOR_CHILDREN] = ns->time_ns_for_children->ns.inum;
	}
	to[VD_NS_CGROUP] = ns->cgroup_ns->ns.inum;
}

/* The number of one of a task's namespaces. */
static __always_inline __u32 vd_task_namespace(struct task_struct *task, __u32 which)
{
	struct nsproxy *ns = task->nsproxy;
	__u32 number;

	switch (which) {
	case VD_NS_UTS:
		return ns->uts_ns->ns.inum;
	case VD_NS_IPC:
		return ns->ipc_ns->ns.inum;
	case VD_NS_MNT:
		return ns->mnt_ns->ns.inum;
	case VD_NS_PID:
		vd_task_nspid(task, &number);
		return number;
	case VD_NS_PID_FOR_CHILDREN:
		return ns->pid_ns_for_children->ns.inum;
	case VD_NS_NET:
		return ns->net_ns->ns.inum;
	case VD_NS_TIME:
		return bpf_core_field_exists(ns->time_ns) ? ns->time_ns->ns.inum : 0;
	case VD_NS_TIME_FOR_CHILDREN:
		return bpf_core_field_exists(ns->time_ns_for_children) ?
			       ns->time_ns_for_children->ns.inum :
			       0;
	case VD_NS_CGROUP:
		return ns->cgroup_ns->ns.inum;
	case VD_NS_USER:
		return task->real_cred->user_ns->ns.inum;
	}
	return 0;
}

/* All namespaces and capabilities of a task, in the order of struct vd_process. */
static __always_inline void vd_task_privileges(struct task_struct *task, __u32 *ns, __u64 *caps)
{
	const struct cred *c = task->real_cred;

	vd_task_namespaces(task, ns);
	vd_task_nspid(task, &ns[VD_NS_PID]);
	ns[VD_NS_USER] = c->user_ns->ns.inum;
	caps[VD_CAPS_EFFECTIVE] = vd_task_capability(&c->cap_effective);
	caps[VD_CAPS_PERMITTED] = vd_task_capability(&c->cap_permitted);
	caps[VD_CAPS_INHERITABLE] = vd_task_capability(&c->cap_inheritable);
}

/* The process flags that a task's own structures tell, and its id in its pid namespace. */
static __always_inline __u32 vd_task_flags(struct task_struct *task, __u32 *nspid)
{
	__u32 flags = 0, pid_namespace;

	*nspid = vd_task_nspid(task, &pid_namespace);
	if (*nspid)
		flags |= VD_PROCESS_IN_PIDNS;
	if (*nspid == 1)
		flags |= VD_PROCESS_IN_INIT_TREE;
	if (task->real_cred->user_ns->level > 0)
		flags |= VD_PROCESS_IN_USERNS;
	if (task->flags & VD_PF_KTHREAD)
		flags |= VD_PROCESS_KTHREAD;
	return flags;
}

/* The directory above; its member was renamed in 6.15. */
static __always_inline struct kernfs_node *vd_kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___6_14 *old = (void *)kn;

	if (bpf_core_field_exists(kn->__parent))
		return kn->__parent;
	return old->parent;
}

#endif
