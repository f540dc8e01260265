/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Substrings: one Aho-Corasick automaton for each dimension reads the text
 * once, whatever the number of values. Included by hook.bpf.c, whose scratch
 * memory and vectors it uses.
 *
 * A half's automata are one value of vd_automata. An automaton is the class
 * of each byte (256 bytes), a struct vd_pair and a row for each state: the following state for
 * each class, four bytes each. A state is where its row is, in bytes behind
 * the first eight. A state in which a value ends has a second row, whose
 * states are itself, so that whoever reads on sees at the end that there was
 * one; before it stand the state's other row and the vector that it
 * satisfies.
 */
#ifndef VEDETTE_SUBSTRING_H
#define VEDETTE_SUBSTRING_H

/* Marks the second rows. */
#define VD_STATE_FINAL 0x80000000
/* Bytes that are read between two looks at how many are left. */
#define VD_SCAN_CHUNK 8
#define VD_SCAN_CHUNKS (VD_MAX_STRING / VD_SCAN_CHUNK)
/* Chunks that are read between two looks at what was found: at first, and then. */
#define VD_SCAN_FIRST 16
#define VD_SCAN_BLOCK 4
/* Turns that read the longest text: each reads a chunk, or a block. */
#define VD_SCAN_TURNS (VD_SCAN_CHUNKS + VD_SCAN_CHUNKS / VD_SCAN_BLOCK)

struct vd_final {
	__u32 state; /* the other row */
	__u32 vector;
};

/* The loader makes the values as large as the automata, and somewhat larger for the verifier. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__uint(value_size, 512);
} vd_automata SEC(".maps");

/*
 * One byte of the text: the state's row and the byte's class give the next
 * state. In assembly because it is most of what a look at a text costs: seven
 * instructions, eight where classes do not fit in a byte as offsets, and the
 * verifier sees the bounds.
 */
#define VD_SCAN_STEP(k, shift)                                                            \
	asm volatile("%[c] = *(u8 *)(%[p] + %[at])\n"                                     \
		     "%[c] += %[classes]\n"                                               \
		     "%[c] = *(u8 *)(%[c] + 0)\n" shift                                   \
		     "%[state] += %[c]\n"                                                 \
		     "%[state] &= %[mask]\n"                                              \
		     "%[state] += %[rows]\n"                                              \
		     "%[state] = *(u32 *)(%[state] + 0)\n"                                \
		     : [state] "+r"(state), [c] "=&r"(class)                              \
		     : [p] "r"(p), [at] "i"(k), [classes] "r"(classes), [mask] "r"(mask), \
		       [rows] "r"(rows))

#define VD_SCAN_ALL(shift)         \
	do {                       \
		VD_SCAN_STEP(0, shift); \
		VD_SCAN_STEP(1, shift); \
		VD_SCAN_STEP(2, shift); \
		VD_SCAN_STEP(3, shift); \
		VD_SCAN_STEP(4, shift); \
		VD_SCAN_STEP(5, shift); \
		VD_SCAN_STEP(6, shift); \
		VD_SCAN_STEP(7, shift); \
	} while (0)

#define VD_WIDE "%[c] <<= 2\n"

/*
 * Behind the classes: where there is one value only, two bytes of it that
 * follow each other, each eight times, with what is ORed to a text before they
 * are looked for in it. 0 where there are several values.
 */
struct vd_pair {
	__u64 first;
	__u64 second;
	__u64 fold;
};

#define VD_EACH_BYTE 0x0101010101010101ULL

/*
 * Whether a text may have the pair in it, at most VD_SCAN_FIRST chunks: not 0.
 * It takes eight places at a time: in the words that begin there and one
 * further, both bytes must be found at the same place. The subtraction borrows
 * only behind a byte that is found. A function of its own, so that the verifier
 * follows what comes after it once.
 */
static __noinline __u64 vd_has_pair(const struct vd_pair *pair, const char *p, __u64 left)
{
	__u64 first = pair->first, second = pair->second, fold = pair->fold, found = 0;
	__u64 one = VD_EACH_BYTE;
	__u32 i;

	/* A value of its own: what is found out of it here is not to be known to the caller. */
	asm volatile("%0 |= 0" : "+r"(left));
	if (left > VD_SCAN_FIRST)
		return 1;
	for (i = 0; i < VD_SCAN_FIRST; i++) {
		__u64 a, b;

		if (i >= left)
			break;
		asm volatile("%[a] = *(u64 *)(%[p] + 0)\n"
			     "%[b] = *(u64 *)(%[p] + 1)\n"
			     "%[a] |= %[fold]\n"
			     "%[b] |= %[fold]\n"
			     "%[a] ^= %[first]\n"
			     "%[b] ^= %[second]\n"
			     "%[a] |= %[b]\n"
			     "%[b] = %[a]\n"
			     "%[b] -= %[one]\n"
			     "%[a] ^= -1\n"
			     "%[b] &= %[a]\n"
			     "%[found] |= %[b]\n"
			     : [a] "=&r"(a), [b] "=&r"(b), [found] "+r"(found)
			     : [p] "r"(p), [fold] "r"(fold), [first] "r"(first),
			       [second] "r"(second), [one] "r"(one));
		p += VD_SCAN_CHUNK;
	}
	return found & VD_EACH_BYTE << 7;
}

/* The rows and the classes of the automaton that a scan reads with, in the half's value. */
#define VD_SCAN_TABLES(value, from)                       \
	__u64 mask = vd_config.automata_mask;             \
	char *rows = (value) + sizeof(struct vd_final);   \
	char *classes = rows;                             \
	do {                                              \
		__u64 where = (from) & mask;              \
		vd_bounded(where);                        \
		classes += where;                         \
	} while (0)

static __always_inline const struct vd_pair *vd_pair_of(char *value, __u64 from)
{
	VD_SCAN_TABLES(value, from);
	return (const void *)(classes + 256);
}

/* Reads chunks that begin at p; returns the state behind them. */
static __always_inline __u64 vd_scan_chunks(char *value, __u64 from, char *p, __u64 state,
					    __u32 left, __u32 most, bool wide)
{
	VD_SCAN_TABLES(value, from);
	__u64 class;
	__u32 i;

	for (i = 0; i < most; i++) {
		if (i >= left)
			break;
		if (wide)
			VD_SCAN_ALL(VD_WIDE);
		else
			VD_SCAN_ALL("");
		p += VD_SCAN_CHUNK;
	}
	return state;
}

/* Where a scan stands in the text of a slot. */
static __always_inline char *vd_scan_at(struct vd_hook_scratch *s, __u32 slot)
{
	__u64 at = s->scan.at & (2 * VD_MAX_STRING - 1);

	vd_bounded(at);
	return (char *)&s->slots + sizeof(struct vd_slot) * (slot & (VD_MAX_SLOTS - 1)) +
	       __builtin_offsetof(struct vd_slot, s.bytes) + at;
}

static __always_inline char *vd_scan_value(struct vd_hook_scratch *s)
{
	__u32 half = s->scan.half;

	return bpf_map_lookup_elem(&vd_automata, &half);
}

/* ORs a vector into what was found. A function of its own: the verifier sees one way out of it. */
static __noinline void vd_find(struct vd_hook_scratch *s, __u32 v)
{
	struct vd_vector *vec = bpf_map_lookup_elem(&vd_vectors, &v);
	__u32 w;

	for (w = 0; vec && w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		s->found[w] |= vec->words[w];
	}
}

/*
 * Reads one chunk and adds what is found; returns whether there is more to
 * read. The state is in memory, so that the verifier sees one for each turn.
 */
static __always_inline bool vd_scan_found(struct vd_hook_scratch *s, char *value, __u32 slot, bool wide)
{
	volatile __u32 *now = &s->scan.state;
	char *p = vd_scan_at(s, slot);
	__u32 i;

	VD_SCAN_TABLES(value, s->scan.classes);
	for (i = 0; i < VD_SCAN_CHUNK; i++) {
		__u64 state = *now, class;

		if (wide)
			VD_SCAN_STEP(0, VD_WIDE);
		else
			VD_SCAN_STEP(0, "");
		*now = state;
		if (state & VD_STATE_FINAL) {
			struct vd_final *final;
			__u64 at = state & mask;

			vd_bounded(at);
			final = (void *)(value + at);
			*now = final->state;
			vd_find(s, final->vector);
		}
		p++;
	}
	s->scan.at += VD_SCAN_CHUNK;
	s->scan.left--;
	return s->scan.left;
}

/*
 * Reads a block, or where something is in it its first chunk, and adds what is
 * found; returns whether there is more to read.
 */
static __always_inline bool vd_scan_some(struct vd_hook_scratch *s, __u32 slot, bool wide)
{
	char *value = vd_scan_value(s);
	__u64 state;

	if (!value)
		return false;
	state = vd_scan_chunks(value, s->scan.classes, vd_scan_at(s, slot), s->scan.state,
			       s->scan.left, VD_SCAN_BLOCK, wide);
	if (state & VD_STATE_FINAL)
		return vd_scan_found(s, value, slot, wide);
	if (s->scan.left <= VD_SCAN_BLOCK)
		return false;
	s->scan.state = state;
	s->scan.at += VD_SCAN_BLOCK * VD_SCAN_CHUNK;
	s->scan.left -= VD_SCAN_BLOCK;
	return true;
}

/*
 * Until 6.10 global functions, which the verifier looks at once however often
 * they are called. Before 5.12 they have numbers only as arguments. Where
 * preemption is disabled they cannot be called; kernels that can disable it
 * have iterators.
 */
__noinline __u32 vd_scan_more(__u32 scratch, __u32 slot, __u32 wide)
{
	struct vd_hook_scratch *s;

	if (!(vd_config.features & VD_FEATURE_SUBSTRING))
		return 0;
	s = bpf_map_lookup_elem(&vd_hook_scratch, &scratch);
	if (!s)
		return 0;
	return wide ? vd_scan_some(s, slot, true) : vd_scan_some(s, slot, false);
}

__noinline __u32 vd_scan_rest(__u32 scratch, __u32 slot, __u32 wide)
{
	__u32 i;

	if (!(vd_config.features & VD_FEATURE_SUBSTRING))
		return 0;
	for (i = 0; i < VD_SCAN_TURNS; i++) {
		if (!vd_scan_more(scratch, slot, wide))
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

static __noinline int vd_scan_iterated(struct vd_hook_scratch *s, __u32 slot, bool wide)
{
	struct bpf_iter_num turns;

	bpf_iter_num_new(&turns, 0, VD_SCAN_TURNS);
	while (bpf_iter_num_next(&turns)) {
		if (wide ? !vd_scan_some(s, slot, true) : !vd_scan_some(s, slot, false))
			break;
	}
	bpf_iter_num_destroy(&turns);
	return 0;
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
 * Reads the beginning of a text, which for most is all of it; returns the state
 * behind it. Two copies: not to be decided anew for each chunk. A function of
 * its own, so that the verifier follows what comes after it once.
 */
static __noinline __u64 vd_scan_first(const volatile struct vd_dim_config *d,
				      const struct vd_dim_tables *t, char *value, char *p,
				      __u64 left)
{
	__u64 state = t->state & ~VD_STATE_FINAL;

	asm volatile("%0 |= 0" : "+r"(left));
	if (d->flags & VD_DIM_WIDE)
		return vd_scan_chunks(value, t->base, p, state, left, VD_SCAN_FIRST, true);
	return vd_scan_chunks(value, t->base, p, state, left, VD_SCAN_FIRST, false);
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
	__u32 half = t->state >> 31, first_state = t->state & ~VD_STATE_FINAL;
	__u64 state, start, end;
	const struct vd_pair *pair;
	struct vd_slot *slot;
	char *value;
	__u32 left;

	if (d->index >= VD_MAX_SLOTS)
		return false;
	slot = &s->slots[d->index];
	start = slot->s.start;
	end = slot->s.end;
	vd_bounded(start);
	vd_bounded(end);
	value = bpf_map_lookup_elem(&vd_automata, &half);
	if (!value || start > VD_MAX_STRING || end > VD_MAX_STRING ||
	    slot->status & (VD_VALUE_FAILED | VD_VALUE_NO_PATH | VD_VALUE_AT_RETURN))
		return vd_and(run, t->none, first);
	/* The last chunk is read whole: no value has a NUL byte. */
	asm volatile("*(u64 *)(%0 + 0) = %1" : : "r"(&slot->s.bytes[end]), "r"(0ULL) : "memory");
	left = (__u32)(end - start + VD_SCAN_CHUNK - 1) / VD_SCAN_CHUNK;
	pair = vd_pair_of(value, t->base);
	if (pair->first && !vd_has_pair(pair, &slot->s.bytes[start], left))
		return vd_and(run, t->len, first);
	state = vd_scan_first(d, t, value, &slot->s.bytes[start], left);
	if (!(state & VD_STATE_FINAL) && left <= VD_SCAN_FIRST)
		return vd_and(run, t->len, first);
	s->scan.half = half;
	s->scan.state = first_state;
	s->scan.classes = t->base;
	s->scan.at = start;
	s->scan.left = left;
	vd_found_nothing(s);
	if (bpf_preempt_disable)
		vd_scan_iterated(s, d->index, d->flags & VD_DIM_WIDE);
	else
		vd_scan_rest(s->index, d->index, d->flags & VD_DIM_WIDE);
	return vd_and_found(run, t->len, first);
}

#endif
