/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What hooks notify enforcers of. It holds for the system call that the
 * thread is in: enforcer.bpf.c carries it out, and forgets it when the call
 * returns.
 */
#ifndef VEDETTE_NOTIFY_H
#define VEDETTE_NOTIFY_H

#define VD_COMPAT_CALL 0x80000000 /* marks the number of a 32-bit system call */

/* Threads that end within a call leave theirs behind: the oldest give way. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct vd_notice);
} vd_notices SEC(".maps");

/* What the thread has open, NULL if nothing ever was. The id may have been another thread's. */
static __always_inline struct vd_notice *vd_noticed(struct task_struct *task, __u32 tid)
{
	struct vd_notice *n = bpf_map_lookup_elem(&vd_notices, &tid);

	if (!n || n->born != BPF_CORE_READ(task, start_boottime))
		return 0;
	return n;
}

#endif
