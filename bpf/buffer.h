/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Buffers that are scattered (struct iovec, struct iov_iter), and buffers
 * that are longer than a hook record holds. The first VD_MAX_STRING bytes are
 * in the slot, where filters look at them; with maxData the rest follows in
 * records of its own, sent before the hook record.
 */
#ifndef VEDETTE_BUFFER_H
#define VEDETTE_BUFFER_H

static __always_inline bool vd_is_buffer(__u8 type)
{
	return type == VD_TYPE_CHAR_BUF || type == VD_TYPE_CHAR_IOVEC || type == VD_TYPE_IOV_ITER;
}

/*
 * What older kernels have elsewhere is read by functions of their own: within
 * others the compiler may compute an offset, which other kernels do not have,
 * before it asks for it.
 */
static __noinline __u32 vd_kind_until_5_13(struct iov_iter___5_13 *it)
{
	return BPF_CORE_READ(it, type) & ~1U;
}

static __noinline __u64 vd_segments_until_6_3(struct iov_iter___6_3 *it)
{
	return (__u64)BPF_CORE_READ(it, iov);
}

static __noinline __u64 vd_segments(struct iov_iter *it)
{
	return (__u64)BPF_CORE_READ(it, __iov);
}

/* Where the memory of an iterator over one piece begins, since 6.0. */
static __noinline __u64 vd_single_segment(struct iov_iter *it)
{
	return (__u64)BPF_CORE_READ(it, ubuf);
}

/* Which kind of memory an iterator is over. */
static __always_inline bool vd_iterates(struct iov_iter *it, __u32 kind)
{
	if (bpf_core_field_exists(it->iter_type))
		return BPF_CORE_READ(it, iter_type) == kind;
	return vd_kind_until_5_13((void *)it) == kind;
}

/* Iterators over pages are none of memory with an address, and have no content here. */
static __always_inline void vd_open_iterator(struct vd_gather *g, struct iov_iter *it)
{
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    vd_iterates(it, bpf_core_enum_value(enum iter_type, ITER_UBUF))) {
		g->at.base = vd_single_segment(it) + BPF_CORE_READ(it, iov_offset);
		g->at.len = BPF_CORE_READ(it, count);
		g->user = 1;
		return;
	}
	if (vd_iterates(it, bpf_core_enum_value(enum iter_type, ITER_IOVEC)))
		g->user = 1;
	else if (!vd_iterates(it, bpf_core_enum_value(enum iter_type, ITER_KVEC)))
		return;
	g->next = bpf_core_field_exists(it->__iov) ? vd_segments(it) :
						     vd_segments_until_6_3((void *)it);
	g->segments = BPF_CORE_READ(it, nr_segs);
	g->skip = BPF_CORE_READ(it, iov_offset);
}

/* Begins to gather the buffer of a slot; size is its length, or how many segments it has. */
static __always_inline void vd_open(struct vd_gather *g, __u8 type, struct vd_slot *slot, __u64 size)
{
	__builtin_memset(g, 0, sizeof(*g));
	switch (type) {
	case VD_TYPE_CHAR_BUF:
		g->at.base = slot->addr;
		g->at.len = size;
		g->user = slot->user;
		break;
	case VD_TYPE_CHAR_IOVEC:
		g->next = slot->addr;
		g->segments = size;
		g->user = 1;
		g->user_list = slot->user;
		break;
	case VD_TYPE_IOV_ITER:
		vd_open_iterator(g, (struct iov_iter *)slot->addr);
		break;
	}
}

/* struct compat_iovec, include/linux/compat.h */
struct vd_compat_segment {
	__u32 base, len;
};

/* Reads the next segment of a list that a 32-bit call was given. */
static __always_inline long vd_read_compat_segment(struct vd_gather *g)
{
	struct vd_compat_segment at = {};
	long err = bpf_probe_read_user(&at, sizeof(at), (void *)g->next);

	g->at.base = at.base;
	g->at.len = at.len;
	g->next += sizeof(at);
	return err;
}

/* Goes to the next segment; false if there is none, or it cannot be read. */
static __always_inline bool vd_next_segment(struct vd_gather *g)
{
	long err;

	if (!g->segments)
		return false;
	if (vd_abi.compat) {
		err = vd_read_compat_segment(g);
	} else {
		if (g->user_list)
			err = bpf_probe_read_user(&g->at, sizeof(g->at), (void *)g->next);
		else
			err = bpf_probe_read_kernel(&g->at, sizeof(g->at), (void *)g->next);
		g->next += sizeof(g->at);
	}
	if (err) {
		g->failed = 1;
		return false;
	}
	g->segments--;
	return true;
}

/* Leaves out of the segment at hand what is to be skipped. */
static __always_inline void vd_skip(struct vd_gather *g)
{
	__u64 n = g->skip < g->at.len ? g->skip : g->at.len;

	g->at.base += n;
	g->at.len -= n;
	g->skip -= n;
}

static __always_inline long vd_read_piece(struct vd_gather *g, void *to, __u64 n)
{
	if (g->user)
		return bpf_probe_read_user(to, n, (void *)g->at.base);
	return bpf_probe_read_kernel(to, n, (void *)g->at.base);
}

/*
 * The loops over pieces are functions of global linkage, in two levels: the
 * kernel verifies each of them once, on its own, and not for each turn of its
 * caller's loop. All that they can be given before 5.13 are numbers, hence the
 * index of the scratch entry. They return 0 at the end of the buffer.
 *
 * They are called with preemption on, as this can take long, and as 6.10 to
 * 6.13 allow no such call otherwise.
 */
#define VD_TURNS 32

/*
 * Appends the segment at hand, as much of it as a slot still holds, to what
 * is gathered at the beginning of the record.
 */
__noinline int vd_gather_segment(__u32 index)
{
	struct vd_hook_scratch *s = bpf_map_lookup_elem(&vd_hook_scratch, &index);
	struct vd_gather *g;
	__u64 at, n;

	if (!s)
		return 0;
	g = &s->gather;
	at = g->have;
	if (!g->at.len && !vd_next_segment(g))
		return 0;
	vd_skip(g);
	n = g->at.len;
	g->total += n;
	g->at.len = 0;
	if (at >= VD_MAX_STRING)
		return 1;
	if (n > VD_MAX_STRING - at)
		n = VD_MAX_STRING - at;
	vd_bounded(n);
	if (n > VD_MAX_STRING)
		return 0;
	if (vd_read_piece(g, &s->record[at], n)) {
		g->failed = 1;
		return 0;
	}
	g->have = at + n;
	return 1;
}

__noinline int vd_gather_some(__u32 index)
{
	__u32 i;

	for (i = 0; i < VD_TURNS; i++) {
		if (!vd_gather_segment(index))
			return 0;
	}
	return 1;
}

__noinline int vd_gather_all(__u32 index)
{
	__u32 i;

	for (i = 0; i < VD_MAX_SEGMENTS / VD_TURNS; i++) {
		if (!vd_gather_some(index))
			return 0;
	}
	return 1;
}

/*
 * Fetches a scattered buffer. size is how many segments it has, limit how
 * many bytes there are at most.
 */
static __noinline void vd_fetch_scattered(struct vd_run *run, __u32 slot_number, __u64 size,
					  __u64 limit)
{
	struct vd_gather *g = &run->s->gather;
	struct vd_slot *slot;
	__u64 n;

	if (slot_number >= VD_MAX_SLOTS)
		return;
	slot = &run->s->slots[slot_number];
	vd_open(g, vd_config.slots[slot_number].type, slot, size);
	if (bpf_preempt_enable)
		bpf_preempt_enable();
	vd_gather_all(run->s->index);
	if (bpf_preempt_disable)
		bpf_preempt_disable();
	if (g->failed && !g->have) {
		vd_fail(slot);
		return;
	}
	if (vd_config.slots[slot_number].type == VD_TYPE_IOV_ITER) {
		struct iov_iter *it = (void *)slot->addr;

		g->total = BPF_CORE_READ(it, count);
	}
	n = g->have;
	if (n > limit)
		n = limit;
	if (n > vd_config.slots[slot_number].max)
		n = vd_config.slots[slot_number].max;
	slot->num = g->total < limit ? g->total : limit;
	/* What the segments behind the last one that was looked at hold is not known. */
	if (n < slot->num || g->segments || g->failed)
		slot->status |= VD_VALUE_TRUNCATED;
	vd_bounded(n);
	if (n > VD_MAX_STRING)
		return;
	if (bpf_probe_read_kernel(slot->s.bytes, n, run->s->record)) {
		vd_fail(slot);
		return;
	}
	slot->s.bytes[n] = 0;
	slot->s.end = n;
}

/* Sends what is gathered behind the data record's head. */
static __always_inline bool vd_send_chunk(struct vd_hook_scratch *s, bool last)
{
	struct vd_hook_data *d = (void *)s->record;
	struct vd_gather *g = &s->gather;
	__u64 n = g->have;

	vd_bounded(n);
	if (n > VD_DATA_CHUNK)
		return false;
	d->last = last;
	d->offset = g->sent;
	vd_header_init(&d->header, VD_RECORD_HOOK_DATA, 0, sizeof(*d) + n, d->header.time);
	if (bpf_ringbuf_output(&vd_ring_bulk, d, sizeof(*d) + n, 0)) {
		vd_count(VD_COUNT_LOST_BULK);
		return false;
	}
	g->sent += n;
	g->have = 0;
	return true;
}

/*
 * Appends a piece of the segment at hand to the chunk at hand, and sends it
 * when it is full.
 */
__noinline int vd_send_piece(__u32 index)
{
	struct vd_hook_scratch *s = bpf_map_lookup_elem(&vd_hook_scratch, &index);
	struct vd_gather *g;
	__u64 at, n;

	if (!s)
		return 0;
	g = &s->gather;
	at = g->have;
	if (!g->wanted)
		return 0;
	if (!g->at.len && !vd_next_segment(g))
		return 0;
	vd_skip(g);
	n = g->at.len;
	if (n > g->wanted)
		n = g->wanted;
	vd_bounded(at);
	if (at >= VD_DATA_CHUNK)
		return 0;
	if (n > VD_DATA_CHUNK - at)
		n = VD_DATA_CHUNK - at;
	vd_bounded(n);
	if (n > VD_DATA_CHUNK)
		return 0;
	if (vd_read_piece(g, &s->record[sizeof(struct vd_hook_data) + at], n)) {
		vd_count(VD_COUNT_ARG_FAILED);
		return 0;
	}
	g->at.base += n;
	g->at.len -= n;
	g->wanted -= n;
	g->have = at + n;
	if (g->have < VD_DATA_CHUNK)
		return 1;
	return vd_send_chunk(s, !g->wanted);
}

__noinline int vd_send_some(__u32 index)
{
	__u32 i;

	for (i = 0; i < VD_TURNS; i++) {
		if (!vd_send_piece(index))
			return 0;
	}
	return 1;
}

/* A piece ends with its segment or with a chunk. */
__noinline int vd_send_all(__u32 index)
{
	__u32 i;

	for (i = 0; i <= (VD_MAX_SEGMENTS + VD_MAX_BUFFER / VD_DATA_CHUNK) / VD_TURNS; i++) {
		if (!vd_send_some(index))
			return 0;
	}
	return 1;
}

/*
 * Sends the part of a buffer that its slot does not hold. size is as in
 * vd_open, pair the time of the entry.
 */
static __noinline void vd_send_rest(struct vd_run *run, __u32 slot_number, __u64 size, __u64 pair)
{
	struct vd_hook_data *d = (void *)run->s->record;
	struct vd_gather *g = &run->s->gather;
	struct vd_slot *slot;

	if (slot_number >= VD_MAX_SLOTS)
		return;
	slot = &run->s->slots[slot_number];
	if (slot->num <= VD_MAX_STRING || slot->s.end != VD_MAX_STRING ||
	    (slot->status & VD_VALUE_FAILED))
		return;
	vd_open(g, vd_config.slots[slot_number].type, slot, size);
	g->skip += VD_MAX_STRING;
	g->wanted = slot->num;
	if (g->wanted > vd_config.slots[slot_number].max)
		g->wanted = vd_config.slots[slot_number].max;
	g->wanted -= VD_MAX_STRING;
	g->sent = VD_MAX_STRING;
	__builtin_memset(d, 0, sizeof(*d));
	d->header.time = run->now;
	d->pair = pair;
	d->hook = vd_hook(run);
	d->generation = run->generation;
	d->tid = run->tid;
	d->slot = slot_number;
	d->uses = run->s->uses;
	if (bpf_preempt_enable)
		bpf_preempt_enable();
	vd_send_all(run->s->index);
	if (bpf_preempt_disable)
		bpf_preempt_disable();
	/* Who waits for the parts is told that no more come, also where the memory ended early. */
	if (g->have || (g->wanted && g->sent > VD_MAX_STRING))
		vd_send_chunk(run->s, true);
	if (g->sent > VD_MAX_STRING)
		slot->status |= VD_VALUE_DATA;
}

/* How many records the rules in post make: one for those that await the return, one for the others. */
static __always_inline __u8 vd_uses(struct vd_run *run)
{
	__u64 now = 0, later = 0;
	__u32 w;

	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		now |= run->s->post[w] & ~run->tables->returns[w];
		later |= run->s->post[w] & run->tables->returns[w];
	}
	return !!now + !!later;
}

/* Sends what the records of an event cannot hold. All slots are fetched. */
static __always_inline void vd_send_data(struct vd_run *run)
{
	bool first = true;
	__u32 i;

	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		if (!vd_is_buffer(vd_config.slots[i].type) ||
		    vd_config.slots[i].max <= VD_MAX_STRING ||
		    (vd_config.slots[i].flags & VD_SLOT_RETURN_COPY))
			continue;
		if (first)
			run->s->uses = vd_uses(run);
		first = false;
		if (!run->s->uses)
			break;
		vd_send_rest(run, i, vd_slot_size(run, i), run->now);
	}
}

#endif
