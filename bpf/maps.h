/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps that the objects share. Each object declares them; the loader
 * makes every map once and gives it to all objects.
 */
#ifndef VEDETTE_MAPS_H
#define VEDETTE_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "vedette.h"

/* Sizes of the rings are set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} vd_ring_bulk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} vd_ring_evidence SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct vd_process);
} vd_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VD_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} vd_counters SEC(".maps");

/* The last sequence number of each ring, by CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} vd_sequences SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct vd_pending);
} vd_pending SEC(".maps");

/* Calls of functions that await their return. Those that never do, the loader sweeps out. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct vd_call_key);
	__type(value, struct vd_pending);
} vd_calls SEC(".maps");

/* System calls that are to fail. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct vd_verdict);
} vd_verdicts SEC(".maps");

/* Events that await the hash of their file: one for each thread in an LSM hook. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct vd_hash_record);
} vd_hashes SEC(".maps");

/*
 * Keeps the compiler from computing a bounded value in a second way that the
 * verifier does not know to be bounded.
 */
#define vd_bounded(x) asm volatile("" : "+r"(x))

/* The thread group id of the agent, which no policy may end. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} vd_agent SEC(".maps");

static __always_inline void vd_count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&vd_counters, &what);

	if (n)
		*n += 1;
}

/* Fills a record's header. A record that is then lost leaves a gap in seq. */
static __always_inline void vd_header_init(struct vd_header *h, __u8 type, __u32 ring, __u32 size,
					   __u64 time)
{
	__u64 *seq = bpf_map_lookup_elem(&vd_sequences, &ring);

	h->size = size;
	h->type = type;
	h->ring = ring;
	h->cpu = bpf_get_smp_processor_id();
	h->seq = seq ? ++*seq : 0;
	h->time = time;
}

#endif
