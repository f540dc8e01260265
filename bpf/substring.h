/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Substrings: one Aho-Corasick automaton for each dimension reads the text
 * once, whatever the number of values. Included by hook.bpf.c, whose scratch
 * memory and vectors it uses.
 *
 * A half's automata are the 32-bit words of one value of vd_automata. An
 * automaton is the class of each byte (256 bytes), and then a row for each
 * state: the vector of the rules that it satisfies, and the following state
 * for each class. A state is the index of the word behind its vector.
 */
#ifndef VEDETTE_SUBSTRING_H
#define VEDETTE_SUBSTRING_H

/* Marks the states with a vector. */
#define VD_STATE_FINAL 0x80000000
/* Bytes that are read between two looks at what was found. */
#define VD_SCAN_CHUNK 8
#define VD_SCAN_CHUNKS (VD_MAX_STRING / VD_SCAN_CHUNK)

/* The loader makes the values as large as the automata, and 256 bytes larger for the verifier. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__uint(value_size, 512);
} vd_automata SEC(".maps");

/*
 * One byte of the text: the state's row and the byte's class give the next
 * state. In assembly because it is most of what a look at a text costs: nine
 * instructions, and the verifier sees the bounds.
 */
#define VD_SCAN_STEP(k)                                                                   \
	asm volatile("%[c] = *(u8 *)(%[p] + %[at])\n"                                     \
		     "%[c] += %[classes]\n"                                               \
		     "%[c] = *(u8 *)(%[c] + 0)\n"                                         \
		     "%[state] += %[c]\n"                                                 \
		     "%[state] &= %[mask]\n"                                              \
		     "%[state] <<= 2\n"                                                   \
		     "%[state] += %[words]\n"                                             \
		     "%[state] = *(u32 *)(%[state] + 0)\n"                                \
		     "%[seen] |= %[state]\n"                                              \
		     : [state] "+r"(state), [seen] "+r"(seen), [c] "=&r"(class)           \
		     : [p] "r"(p), [at] "i"(k), [classes] "r"(classes), [mask] "r"(mask), \
		       [words] "r"(words))

/* Where a scan stands is in s->scan, so that the verifier sees one state of it. */
#define VD_SCAN_BEGIN                                                                      \
	__u64 mask = vd_config.automata_mask, class, seen = 0, state, at;                  \
	char *words, *classes, *p;                                                         \
	__u32 half = s->scan.half;                                                         \
	words = bpf_map_lookup_elem(&vd_automata, &half);                                  \
	if (!words)                                                                        \
		return 0;                                                                  \
	at = s->scan.classes & mask;                                                       \
	vd_bounded(at);                                                                    \
	classes = words + (at << 2);                                                       \
	at = s->scan.at & (2 * VD_MAX_STRING - 1);                                         \
	vd_bounded(at);                                                                    \
	p = (char *)&s->slots + sizeof(struct vd_slot) * (slot & (VD_MAX_SLOTS - 1)) +     \
	    __builtin_offsetof(struct vd_slot, s.bytes) + at;                              \
	state = s->scan.state

/*
 * Reads on to the first chunk in which something is found, and stops before
 * it; returns whether there is more to read.
 */
static __always_inline bool vd_scan_some(struct vd_hook_scratch *s, __u32 slot, __u32 chunks)
{
	__u64 before;
	__u32 i;

	VD_SCAN_BEGIN;
	before = state;
	for (i = 0; i < chunks; i++) {
		if (i >= s->scan.left)
			return 0;
		before = state;
		VD_SCAN_STEP(0);
		VD_SCAN_STEP(1);
		VD_SCAN_STEP(2);
		VD_SCAN_STEP(3);
		VD_SCAN_STEP(4);
		VD_SCAN_STEP(5);
		VD_SCAN_STEP(6);
		VD_SCAN_STEP(7);
		if (seen & VD_STATE_FINAL)
			break;
		before = state;
		p += VD_SCAN_CHUNK;
	}
	s->scan.state = before;
	s->scan.at += i * VD_SCAN_CHUNK;
	s->scan.left -= i;
	return s->scan.left;
}

/* ORs a vector into what was found. */
static __always_inline void vd_find(struct vd_hook_scratch *s, __u32 v)
{
	struct vd_vector *vec = bpf_map_lookup_elem(&vd_vectors, &v);
	__u32 w;

	for (w = 0; vec && w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		s->found[w] |= vec->words[w];
	}
}

/* Reads one chunk and adds what is found; returns whether there is more to read. */
static __always_inline bool vd_scan_found(struct vd_hook_scratch *s, __u32 slot)
{
	__u32 i;

	VD_SCAN_BEGIN;
	for (i = 0; i < VD_SCAN_CHUNK; i++) {
		VD_SCAN_STEP(0);
		if (state & VD_STATE_FINAL) {
			at = (state - 1) & mask;
			vd_bounded(at);
			vd_find(s, *(__u32 *)(words + (at << 2)));
		}
		p++;
	}
	s->scan.state = state;
	s->scan.at += VD_SCAN_CHUNK;
	s->scan.left--;
	return s->scan.left;
}

/*
 * Until 6.10 global functions, which the verifier looks at once however often
 * they are called. Before 5.12 they have numbers only as arguments. Where
 * preemption is disabled they cannot be called; kernels that can disable it
 * have iterators.
 */
__noinline __u32 vd_scan_on(__u32 scratch, __u32 slot)
{
	struct vd_hook_scratch *s;

	if (!(vd_config.features & VD_FEATURE_SUBSTRING))
		return 0;
	s = bpf_map_lookup_elem(&vd_hook_scratch, &scratch);
	return s && vd_scan_some(s, slot, VD_SCAN_CHUNKS);
}

__noinline __u32 vd_scan_chunk(__u32 scratch, __u32 slot)
{
	struct vd_hook_scratch *s;

	if (!(vd_config.features & VD_FEATURE_SUBSTRING))
		return 0;
	s = bpf_map_lookup_elem(&vd_hook_scratch, &scratch);
	return s && vd_scan_found(s, slot);
}

__noinline __u32 vd_scan_rest(__u32 scratch, __u32 slot)
{
	__u32 i;

	if (!(vd_config.features & VD_FEATURE_SUBSTRING))
		return 0;
	for (i = 0; i < VD_SCAN_CHUNKS; i++) {
		if (!vd_scan_chunk(scratch, slot) || !vd_scan_on(scratch, slot))
			break;
	}
	return 0;
}

struct bpf_iter_num {
	__u64 opaque;
};

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;

/* Chunks that are read without the iterator, which costs something too. */
#define VD_SCAN_FIRST 16

static __noinline int vd_scan_iterated(struct vd_hook_scratch *s, __u32 slot)
{
	struct bpf_iter_num turns;

	bpf_iter_num_new(&turns, 0, 2 * VD_SCAN_CHUNKS);
	while (bpf_iter_num_next(&turns)) {
		if (!vd_scan_found(s, slot) || !vd_scan_some(s, slot, VD_SCAN_FIRST))
			break;
	}
	bpf_iter_num_destroy(&turns);
	return 0;
}

/* Reads the whole text. */
static __always_inline void vd_scan(struct vd_run *run, __u32 slot)
{
	if (bpf_preempt_disable) {
		if (vd_scan_some(run->s, slot, VD_SCAN_FIRST))
			vd_scan_iterated(run->s, slot);
	} else if (vd_scan_on(run->scratch, slot)) {
		vd_scan_rest(run->scratch, slot);
	}
}

static __always_inline void vd_found_nothing(struct vd_hook_scratch *s)
{
	__u32 w;

	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		s->found[w] = 0;
	}
}

/* ANDs what was found, and vector v for what needs not be found, into the rules. */
static __always_inline bool vd_and_found(struct vd_run *run, __u32 v, bool first)
{
	vd_find(run->s, v);
	return vd_and_words(run, run->s->found, first);
}

/*
 * Classifies by the substrings of a text. A text that was cut has what was
 * found in its beginning; a substring that was not found may be behind it, so
 * no rule is satisfied by its absence.
 */
static __always_inline bool vd_dim_substring(struct vd_run *run,
					     const volatile struct vd_dim_config *d,
					     const struct vd_dim_tables *t, bool first)
{
	struct vd_hook_scratch *s = run->s;
	struct vd_slot *slot;
	__u64 end;

	if (d->index >= VD_MAX_SLOTS)
		return false;
	slot = &s->slots[d->index];
	if (slot->status & (VD_VALUE_FAILED | VD_VALUE_NO_PATH | VD_VALUE_AT_RETURN))
		return vd_and(run, t->none, first);
	end = slot->s.end;
	vd_bounded(end);
	if (end > VD_MAX_STRING)
		return vd_and(run, t->none, first);
	/* The last chunk is read whole: no value has a NUL byte. */
	__builtin_memset(&slot->s.bytes[end], 0, VD_SCAN_CHUNK);
	s->scan.half = t->state >> 31;
	s->scan.state = t->state & ~VD_STATE_FINAL;
	s->scan.classes = t->base;
	s->scan.at = slot->s.start;
	s->scan.left = (end - slot->s.start + VD_SCAN_CHUNK - 1) / VD_SCAN_CHUNK;
	vd_found_nothing(s);
	vd_scan(run, d->index);
	return vd_and_found(run, t->len, first);
}

#endif
