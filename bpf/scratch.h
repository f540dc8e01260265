/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Memory for one run of a program, too large for its stack: an array with
 * a number of levels for each CPU. The value's first member is a __u32
 * that counts who holds it, the second one the entry's index.
 */
#ifndef VEDETTE_SCRATCH_H
#define VEDETTE_SCRATCH_H

#include "maps.h"

/*
 * Since 6.10 a program can keep other tasks from preempting it: who is
 * preempted within one holds an entry of the CPU for as long.
 */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/*
 * Takes an entry of this CPU, NULL if all are taken. Entries are not given
 * back in the order of taking where tasks preempt each other. Whoever raises
 * the count from 0 has the entry; the addition is atomic, but only from 5.12
 * on could it also return the count, hence the second look.
 */
static __always_inline void *vd_claim(void *scratches, __u32 levels)
{
	__u32 first, i;

	if (bpf_preempt_disable)
		bpf_preempt_disable();
	first = bpf_get_smp_processor_id() * levels;
	for (i = 0; i < levels; i++) {
		__u32 at = first + i;
		__u32 *holders = bpf_map_lookup_elem(scratches, &at);

		if (!holders)
			break;
		__sync_fetch_and_add(holders, 1);
		if (*(volatile __u32 *)holders == 1) {
			holders[1] = at;
			return holders;
		}
		__sync_fetch_and_add(holders, -1);
	}
	vd_count(VD_COUNT_SCRATCH_BUSY);
	if (bpf_preempt_enable)
		bpf_preempt_enable();
	return 0;
}

/* Gives an entry back. */
static __always_inline void vd_release(void *scratch)
{
	__sync_fetch_and_add((__u32 *)scratch, -1);
	if (bpf_preempt_enable)
		bpf_preempt_enable();
}

#endif
