/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a process has of the image that it comes from. */
#ifndef VEDETTE_LINEAGE_H
#define VEDETTE_LINEAGE_H

#include "maps.h"

/* No class: a hook's table has no row for it, and takes the vector for failed reads. */
#define VD_CLASS_UNKNOWN 0xffffffff

/*
 * Images that are no more and that living processes come from, with their
 * classes in the generation that the task iterator writes. The loader fills
 * it before the iterator's passes and empties it after them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vd_process_id);
	__type(value, struct vd_origin);
} vd_origins SEC(".maps");

/* Takes over the classes of the image that a process comes from, NULL where it is not known. */
static __always_inline void vd_come_from(struct vd_process *p, const struct vd_process *from)
{
	__u32 g;

	for (g = 0; g < 2; g++) {
		if (!from) {
			p->parent_binary[g] = VD_CLASS_UNKNOWN;
			p->parent_binary_end[g] = VD_CLASS_UNKNOWN;
			continue;
		}
		p->parent_sets[g] = from->sets[g];
		p->parent_binary[g] = from->binary[g];
		p->parent_binary_end[g] = from->binary_end[g];
	}
}

/*
 * Finds out anew what a process comes from, by the classes that are being
 * written: what the parent is, if it still is what it was, or what is told of
 * an image that is no more. The sets that it already has it keeps.
 */
static __always_inline void vd_return_to_origin(struct vd_process *p)
{
	struct vd_process_id id = { .pid = p->parent_pid, .start = p->parent_start };
	__u64 kept[2] = { p->parent_sets[0], p->parent_sets[1] };
	struct vd_process *from = bpf_map_lookup_elem(&vd_processes, &id.pid);
	struct vd_origin *origin;

	if (from && from->start != id.start)
		from = 0;
	vd_come_from(p, from);
	p->parent_sets[0] |= kept[0];
	p->parent_sets[1] |= kept[1];
	if (from)
		return;
	origin = bpf_map_lookup_elem(&vd_origins, &id);
	if (!origin)
		return;
	p->parent_sets[0] |= origin->sets;
	p->parent_sets[1] |= origin->sets;
	p->sets[0] |= origin->sets;
	p->sets[1] |= origin->sets;
	p->parent_binary[0] = p->parent_binary[1] = origin->binary;
	p->parent_binary_end[0] = p->parent_binary_end[1] = origin->binary_end;
}

#endif
