/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Memory for one run of a program, too large for its stack: an array with an
 * entry for each CPU and each level of nesting on it, and a counter for each
 * CPU of how many are in use.
 */
#ifndef VEDETTE_SCRATCH_H
#define VEDETTE_SCRATCH_H

#include "maps.h"

/* Nested use on one CPU: a tracepoint that fires in an interrupt. */
#define VD_SCRATCH_LEVELS 2

/* Takes the next entry of this CPU, NULL if all are in use. */
static __always_inline void *vd_claim(void *depths, void *scratches)
{
	__u32 zero = 0, at;
	__u32 *depth = bpf_map_lookup_elem(depths, &zero);

	if (!depth || *depth >= VD_SCRATCH_LEVELS) {
		vd_count(VD_COUNT_SCRATCH_BUSY);
		return 0;
	}
	at = bpf_get_smp_processor_id() * VD_SCRATCH_LEVELS + *depth;
	*depth += 1;
	return bpf_map_lookup_elem(scratches, &at);
}

/* Gives the entry that was taken last back. */
static __always_inline void vd_release(void *depths)
{
	__u32 zero = 0;
	__u32 *depth = bpf_map_lookup_elem(depths, &zero);

	if (depth)
		*depth -= 1;
}

#endif
