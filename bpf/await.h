/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Calls that await their return. */
#ifndef VEDETTE_AWAIT_H
#define VEDETTE_AWAIT_H

#include "maps.h"

/*
 * The thread as a key: the address of its task, which an exec does not change
 * as it can change the thread's id. Its calls of the system are forgotten when
 * it ends (vd_exit), before another thread can have the address.
 */
static __always_inline __u64 vd_task(void)
{
	return bpf_get_current_task();
}

/*
 * Tells that the event of an entry is all there is: its return cannot be told.
 * A function of its own: its record must not be on the stack of those that
 * complete calls.
 */
static __noinline void vd_abandon(const struct vd_pending *p)
{
	struct vd_hook_record r = {};

	vd_count(VD_COUNT_RETURN_LATE);
	r.pair = p->pair;
	r.hook = p->hook;
	r.generation = p->generation;
	r.tid = p->tid;
	r.phase = VD_PHASE_NO_RETURN;
	vd_header_init(&r.header, VD_RECORD_HOOK, 0, sizeof(r), bpf_ktime_get_boot_ns());
	if (bpf_ringbuf_output(&vd_ring_bulk, &r, sizeof(r), 0))
		vd_count(VD_COUNT_LOST_BULK);
}

#endif
