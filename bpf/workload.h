/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which workload a process belongs to: told by its cgroup. */
#ifndef VEDETTE_WORKLOAD_H
#define VEDETTE_WORKLOAD_H

#include "maps.h"
#include "task.h"

/*
 * Where a container's name stands: the controller whose hierarchy is read on
 * cgroup v1 and hybrid machines, or -1 for the unified hierarchy.
 */
const volatile __s32 vd_cgroup_controller = -1;

/* The cgroups of containers, those within them included, by their ids. All others are the host's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct vd_workload);
} vd_workloads SEC(".maps");

/* The cgroup that names the container of a task, which comes typed. */
static __always_inline struct cgroup *vd_cgroup_of(struct task_struct *task)
{
	if (vd_cgroup_controller < 0)
		return task->cgroups->dfl_cgrp;
	return task->cgroups->subsys[vd_cgroup_controller]->cgroup;
}

/* The same for any task. */
static __always_inline struct cgroup *vd_cgroup_of_any(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = 0;

	if (vd_cgroup_controller < 0)
		return BPF_CORE_READ(set, dfl_cgrp);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set->subsys + vd_cgroup_controller * sizeof(css));
	return BPF_CORE_READ(css, cgroup);
}

/* The class of the calling process's workload. */
static __always_inline __u32 vd_workload_class(struct task_struct *task, __u32 generation)
{
	struct vd_workload *w;
	__u64 id;

	if (vd_cgroup_controller < 0)
		id = bpf_get_current_cgroup_id();
	else
		id = BPF_CORE_READ(vd_cgroup_of_any(task), kn, id);
	w = bpf_map_lookup_elem(&vd_workloads, &id);
	return w ? w->classes[generation & 1] : VD_WORKLOAD_HOST;
}

#endif
