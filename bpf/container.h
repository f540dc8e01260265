/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The cgroups of containers, noted when they are made: by their names, as internal/workload reads them. */
#ifndef VEDETTE_CONTAINER_H
#define VEDETTE_CONTAINER_H

#include "workload.h"

#define VD_ID_LEN 64 /* characters of a container's id */
#define VD_SHORT_ID_LEN 31 /* the least behind a runtime's prefix */
#define VD_CGROUP_NAME 256 /* with the NUL, a power of two: NAME_MAX */

static __always_inline char vd_char_at(const char *text, __u32 at)
{
	return text[at & (VD_CGROUP_NAME - 1)];
}

static __always_inline bool vd_is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Whether the text before at ends with a word. */
static __always_inline bool vd_ends_with(const char *text, __u32 at, const char *word, __u32 len)
{
	__u32 i;

	if (at < len)
		return false;
	for (i = 0; i < len; i++) {
		if (vd_char_at(text, at - len + i) != word[i])
			return false;
	}
	return true;
}

/* Whether a runtime's prefix, and nothing else but what ends with a colon, stands before at. */
#define VD_PREFIXED(text, at, word)                                        \
	(vd_ends_with(text, at, word, sizeof(word) - 1) &&                 \
	 ((at) == sizeof(word) - 1 || vd_char_at(text, (at) - sizeof(word)) == ':'))

/* Whether a cgroup's name is that of a container's. text has room for VD_CGROUP_NAME bytes. */
static __noinline bool vd_names_container(char *text, const char *name)
{
	__u32 end, at, i;
	long n;

	n = bpf_probe_read_kernel_str(text, VD_CGROUP_NAME, name);
	if (n <= VD_SHORT_ID_LEN || n > VD_CGROUP_NAME)
		return false;
	end = n - 1;
	if (vd_ends_with(text, end, ".scope", 6))
		end -= 6;
	at = end;
	for (i = 0; i <= VD_ID_LEN; i++) {
		if (!at || !vd_is_hex(vd_char_at(text, at - 1)))
			break;
		at--;
	}
	if (end - at < VD_SHORT_ID_LEN || end - at > VD_ID_LEN)
		return false;
	if (!at)
		return end == VD_ID_LEN;
	return vd_char_at(text, at - 1) == ':' || VD_PREFIXED(text, at, "docker-") ||
	       VD_PREFIXED(text, at, "cri-containerd-") || VD_PREFIXED(text, at, "crio-") ||
	       VD_PREFIXED(text, at, "libpod-");
}

/* Notes a cgroup that is a container's, or within one. */
static __always_inline void vd_note_cgroup(struct cgroup *cgroup, char *text)
{
	struct cgroup *own = vd_cgroup_of_any((struct task_struct *)bpf_get_current_task());
	struct vd_workload w = { .classes = { VD_WORKLOAD_CONTAINER, VD_WORKLOAD_CONTAINER } };
	struct kernfs_node *kn = cgroup->kn;
	__u64 id = kn->id, above = vd_kernfs_parent(kn)->id;
	struct vd_workload *outer;

	/* Ids are those of one hierarchy. */
	if (BPF_CORE_READ(own, root) != cgroup->root)
		return;
	if (!vd_names_container(text, kn->name)) {
		outer = bpf_map_lookup_elem(&vd_workloads, &above);
		if (!outer)
			return;
		w = *outer;
	}
	if (bpf_map_update_elem(&vd_workloads, &id, &w, BPF_ANY))
		vd_count(VD_COUNT_WORKLOAD_MAP_FULL);
}

static __always_inline void vd_forget_cgroup(struct cgroup *cgroup)
{
	struct cgroup *own = vd_cgroup_of_any((struct task_struct *)bpf_get_current_task());
	__u64 id = cgroup->kn->id;

	if (BPF_CORE_READ(own, root) == cgroup->root)
		bpf_map_delete_elem(&vd_workloads, &id);
}

#endif
