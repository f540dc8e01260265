/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Look-ups in string tables: longest-prefix-match tries, chained by states. */
#ifndef VEDETTE_STRINGS_H
#define VEDETTE_STRINGS_H

#include "maps.h"
#include "path.h"

/* Steps of VD_CHUNK_LEN bytes that cover the longest string and its NUL. */
#define VD_STRING_STEPS (VD_MAX_STRING / VD_CHUNK_LEN + 1)

/*
 * Looks up what stands at an offset in a string, without a copy: the key's
 * head takes the place of what stands before it, which where the string begins
 * is nobody's, or start and end.
 */
static __always_inline struct vd_string_value *vd_look_up_there(void *table, struct vd_string *s,
								__u64 at, __u32 n, __u32 state)
{
	void *key = (char *)s + at + __builtin_offsetof(struct vd_string, bytes) -
		    __builtin_offsetof(struct vd_string_key, data);
	__u32 start = s->start, end = s->end;
	struct vd_string_value *v;

	vd_bounded(start);
	vd_bounded(end);
	/* The memory of two structures: the compiler is not to move what touches it. */
	asm volatile("*(u32 *)(%0 + 0) = %1\n"
		     "*(u32 *)(%0 + 4) = %2\n"
		     :
		     : "r"(key), "r"(32 + n * 8), "r"(__builtin_bswap32(state))
		     : "memory");
	v = bpf_map_lookup_elem(table, key);
	asm volatile("" ::: "memory");
	s->start = start;
	s->end = end;
	return v;
}

/*
 * Looks up a string from state on, with the NUL byte behind it unless the
 * string is cut: then it is equal to no value. The value of the last look-up
 * is complete. NULL only if the table has no such state.
 */
static __always_inline struct vd_string_value *vd_look_up(void *table, struct vd_string_key *key,
							  struct vd_string *s, __u32 state,
							  bool cut)
{
	__u64 at = s->start, end = s->end + !cut;
	struct vd_string_value *v;
	__u32 i;

	vd_bounded(at);
	if (at > end || at > VD_MAX_STRING)
		return 0;
	v = vd_look_up_there(table, s, at, end - at > VD_CHUNK_LEN ? VD_CHUNK_LEN : end - at, state);
	for (i = 1; i < VD_STRING_STEPS; i++) {
		__u32 n;

		if (!v || !v->next)
			break;
		state = v->next;
		at += VD_CHUNK_LEN;
		n = end - at;
		if (at > end || at > VD_MAX_STRING)
			break;
		if (n > VD_CHUNK_LEN)
			n = VD_CHUNK_LEN;
		key->state = __builtin_bswap32(state);
		key->prefixlen = 32 + n * 8;
		if (bpf_probe_read_kernel(key->data, n, &s->bytes[at]))
			return 0;
		v = bpf_map_lookup_elem(table, key);
	}
	return v;
}

/*
 * The same for the last VD_MAX_POSTFIX bytes of a string, reversed, eight at a
 * time. Of what stands before the string some is copied with it, but not
 * looked at.
 */
static __always_inline struct vd_string_value *
vd_look_up_reversed(void *table, struct vd_string_key *key, struct vd_string *s, __u32 state)
{
	__u64 end = s->end, n = end - s->start;
	__u64 *to = (__u64 *)key->data;
	char *from = s->bytes;
	__u32 i;

	vd_bounded(end);
	if (end > VD_MAX_STRING)
		return 0;
	if (n > VD_MAX_POSTFIX)
		n = VD_MAX_POSTFIX;
	vd_bounded(n);
	if (n > VD_MAX_POSTFIX)
		return 0;
	from += end;
	for (i = 0; i < VD_MAX_POSTFIX / 8; i++) {
		__u64 word;

		if (8 * i >= n)
			break;
		from -= 8;
		/* The compiler itself would read what is not aligned by the byte. */
		asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(word) : "r"(from) : "memory");
		to[i] = __builtin_bswap64(word);
	}
	key->data[n] = 0;
	key->state = __builtin_bswap32(state);
	key->prefixlen = 32 + (n + 1) * 8;
	return bpf_map_lookup_elem(table, key);
}

#endif
