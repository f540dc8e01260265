/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Look-ups in string tables: longest-prefix-match tries, chained by states. */
#ifndef VEDETTE_STRINGS_H
#define VEDETTE_STRINGS_H

#include "maps.h"
#include "path.h"

/* Steps of VD_CHUNK_LEN bytes that cover the longest string and its NUL. */
#define VD_STRING_STEPS (VD_MAX_STRING / VD_CHUNK_LEN + 1)

/*
 * Looks up a string from state on, with the NUL byte behind it unless the
 * string is cut: then it is equal to no value. The value of the last look-up
 * is complete. NULL only if the table has no such state.
 */
static __always_inline struct vd_string_value *vd_look_up(void *table, struct vd_string_key *key,
							  struct vd_string *s, __u32 state,
							  bool cut)
{
	struct vd_string_value *v = 0;
	__u32 at = s->start, end = s->end + !cut;
	__u32 i;

	for (i = 0; i < VD_STRING_STEPS; i++) {
		__u32 n = end - at;

		if (at > end || at > VD_MAX_STRING)
			break;
		if (n > VD_CHUNK_LEN)
			n = VD_CHUNK_LEN;
		key->state = __builtin_bswap32(state);
		key->prefixlen = 32 + n * 8;
		if (bpf_probe_read_kernel(key->data, n, &s->bytes[at]))
			return 0;
		v = bpf_map_lookup_elem(table, key);
		if (!v || !v->next)
			break;
		state = v->next;
		at += VD_CHUNK_LEN;
	}
	return v;
}

/* The same for the last VD_MAX_POSTFIX bytes of a string, reversed. */
static __always_inline struct vd_string_value *
vd_look_up_reversed(void *table, struct vd_string_key *key, struct vd_string *s, __u32 state)
{
	__u32 at = s->end;
	__u32 i;

	for (i = 0; i < VD_MAX_POSTFIX; i++) {
		if (at <= s->start || at > VD_MAX_STRING)
			break;
		at--;
		key->data[i] = s->bytes[at & (VD_MAX_STRING - 1)];
	}
	key->data[i] = 0;
	key->state = __builtin_bswap32(state);
	key->prefixlen = 32 + (i + 1) * 8;
	return bpf_map_lookup_elem(table, key);
}

#endif
