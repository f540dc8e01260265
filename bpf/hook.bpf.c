//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * One hook. The program is specialised by vd_config, which is frozen before
 * load: the verifier knows its values and removes what this hook does not
 * need. Only where arguments come from and how the verdict is returned
 * differs between the entry points at the end. All of them are reached by a
 * tail call from the dispatcher that stands at the hook (dispatch.bpf.c,
 * syscall.bpf.c).
 */
#include "await.h"
#include "changes.h"
#include "notify.h"
#include "path.h"
#include "refuse.h"
#include "scratch.h"
#include "strings.h"
#include "task.h"
#include "workload.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct vd_hook_config vd_config;
const volatile struct vd_syscall_abi vd_abi;
/* The calls after which fd_install's equivalent looks for a new descriptor. */
const volatile __u64 vd_fd_calls[8];
/* Where a static probe has its arguments; the cookie of each of its places says which row. */
const volatile struct vd_operand vd_operands[VD_MAX_VARIANTS][VD_RAW_ARGS];

#define VD_HOOK_RECORD_MAX 73728
#define VD_MAPPED 0xffff0000 /* the third word of an IPv4 address mapped in IPv6 */
#define VD_RULES_OF_RETURN (VD_RULE_TRACK_RETURN | VD_RULE_UNTRACK_RETURN)
#define VD_RATE_HASHED 32 /* words of 8 bytes of each string */

/* ---- tables of this hook --------------------------------------------------- */

/*
 * A half is one value, so that a search is one look-up and arithmetic. The
 * loader makes the values as large as the rows in use, a power of two.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__uint(value_size, sizeof(struct vd_entry));
} vd_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vd_string_key);
	__type(value, struct vd_string_value);
} vd_strings SEC(".maps");

struct vd_vector {
	__u64 words[VD_MAX_WORDS];
};

/* The loader cuts the values to the words in use. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vd_vector);
} vd_vectors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vd_rule);
} vd_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vd_rule_counters);
} vd_rule_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct vd_hook_tables);
} vd_tables SEC(".maps");

/* Which of the two is in force. To exchange all rules of a hook is one store here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} vd_current SEC(".maps");

/* ---- maps of all hooks ------------------------------------------------------ */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vd_followed_key);
	__type(value, struct vd_followed);
} vd_followed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VD_RATE_ENTRIES);
	__type(key, struct vd_rate_key);
	__type(value, __u64);
} vd_rate SEC(".maps");

/* Tracked sockets, by the addresses of their struct sock. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VD_SOCK_OWNERS);
	__type(key, __u64);
	__type(value, struct vd_sock_owner);
} vd_sock_owners SEC(".maps");

struct vd_slot {
	__u32 status; /* enum vd_value_status */
	__u32 fd; /* the raw value as a descriptor */
	__u64 num; /* vd_value.num */
	__u64 file; /* FD, FILE: address of the struct file */
	__u64 addr; /* where the value was found */
	__u64 user; /* buffers: that is in the memory of the process */
	struct vd_string s;
};

/*
 * Where the walk through the winning rules stands. It is in memory and not in
 * registers so that the verifier sees one state for each turn of the loop.
 */
struct vd_cursor {
	__u64 left; /* bits of the word at hand */
	__u64 row; /* of a binary search, in bytes */
	__u32 word;
	__u32 signal; /* the strongest that is to be sent, 0: none */
	__s32 error; /* what the caller gets, 0: nothing */
	__u32 stacks; /* enum vd_rule_flags: those that events have */
	__u32 registers; /* vd_rule.registers of the override that is carried out */
	__u32 notified; /* an enforcer was */
	__u32 punished; /* RETURN_ACTIONS: the process was, at the return */
};

/* Where a search for substrings stands. */
struct vd_scan {
	__u32 half;
	__u32 classes; /* where the automaton's classes are */
	__u32 state;
	__u32 at; /* in the text */
	__u32 left; /* chunks */
	__u32 zero;
};

/* Where the gathering of a buffer stands; see buffer.h. */
struct vd_gather {
	struct { /* as struct iovec and struct kvec have it */
		__u64 base;
		__u64 len;
	} at; /* what is left of the segment at hand */
	__u64 next; /* where the next segment is described */
	__u64 segments; /* how many follow */
	__u64 skip; /* bytes to leave out */
	__u64 wanted; /* bytes still to be gathered */
	__u64 total; /* bytes of all segments seen */
	__u64 have; /* bytes gathered */
	__u32 sent; /* bytes of the buffer that are told */
	__u8 user; /* the bytes are the process's memory */
	__u8 user_list; /* the descriptions of segments are */
	__u8 failed;
	__u8 zero;
};

struct vd_hook_scratch {
	__u32 holders;
	__u32 index;
	__u64 uses; /* hook records that refer to the data records of the event */
	__u64 acc[VD_MAX_WORDS];
	__u64 win[VD_MAX_WORDS];
	__u64 post[VD_MAX_WORDS];
	__u64 raw[VD_RAW_ARGS];
	struct vd_cursor cursor;
	struct vd_gather gather;
	__u64 registers[VD_MAX_REGISTERS]; /* what is written into them */
	struct vd_string_key key;
	struct vd_rate_key rate;
	struct vd_pending pending;
	struct vd_followed followed;
	struct vd_notice notice;
	struct vd_slot slots[VD_MAX_SLOTS];
	__u64 found[VD_MAX_WORDS];
	__u64 truths[VD_MAX_EXPRESSIONS / 64];
	__u64 work[VD_EXPRESSION_DEPTH]; /* of the expressions' instructions */
	struct vd_scan scan;
	char record[VD_HOOK_RECORD_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by the loader: CPUs * VD_SCRATCH_LEVELS */
	__type(key, __u32);
	__type(value, struct vd_hook_scratch);
} vd_hook_scratch SEC(".maps");

/* What one run of the program carries along. */
struct vd_run {
	void *ctx;
	struct vd_hook_scratch *s;
	const struct vd_hook_tables *tables;
	__u32 generation; /* of the tables */
	struct vd_process *process; /* NULL: not in the map */
	struct task_struct *task;
	__u32 pid;
	__u32 tid;
	__u64 now;
	__u64 frame; /* which of a function's calls this is, as its return will see it */
	__u32 failed; /* bits of the raw arguments that could not be read */
	__u64 ret; /* the return value, in the programs of returns */
	__u32 hook; /* its number, with VD_FEATURE_SHARED; see vd_hook */
};

/* The number of the hook at which the program runs. */
static __always_inline __u32 vd_hook(const struct vd_run *run)
{
	return vd_config.features & VD_FEATURE_SHARED ? run->hook : vd_config.hook;
}

/* ---- arguments -------------------------------------------------------------- */

static __always_inline __u64 vd_extend(__u64 v, __u8 type)
{
	switch (type) {
	case VD_TYPE_S8:
		return (__s8)v;
	case VD_TYPE_U8:
		return (__u8)v;
	case VD_TYPE_S16:
		return (__s16)v;
	case VD_TYPE_U16:
		return (__u16)v;
	case VD_TYPE_S32:
	case VD_TYPE_FD:
	case VD_TYPE_CAPABILITY:
	case VD_TYPE_BPF_CMD:
		return (__s32)v;
	case VD_TYPE_U32:
		return (__u32)v;
	}
	return v;
}

static __always_inline __u64 vd_field(void *ctx, __u16 offset, __u8 width)
{
	__u64 v = 0;

	switch (width) {
	case 1:
		bpf_probe_read_kernel(&v, 1, ctx + offset);
		break;
	case 2:
		bpf_probe_read_kernel(&v, 2, ctx + offset);
		break;
	case 4:
		bpf_probe_read_kernel(&v, 4, ctx + offset);
		break;
	default:
		bpf_probe_read_kernel(&v, 8, ctx + offset);
	}
	return v;
}

/*
 * Whether an address is the process's own. On x86-64 those have the highest
 * bit clear, also with linear address masking; on arm64 the highest byte can
 * be a tag, and the highest bit below it tells.
 */
static __always_inline bool vd_is_user(__u64 addr)
{
	return !(addr >> vd_abi.kernel_bit & 1);
}

/*
 * Where an address is read from. A process must not have the kernel's memory
 * read by passing an address of it.
 */
static __always_inline bool vd_reads_user(__u64 addr)
{
	return (vd_config.features & VD_FEATURE_USER) || vd_is_user(addr);
}

static __always_inline void vd_fail(struct vd_slot *slot)
{
	slot->status |= VD_VALUE_FAILED;
	vd_count(VD_COUNT_ARG_FAILED);
}

/* Copies a string of the process's memory (user) or the kernel's. */
static __always_inline void vd_copy_string(struct vd_slot *slot, __u64 addr, bool user)
{
	long n;

	slot->s.start = 0;
	slot->s.end = 0;
	slot->s.bytes[0] = 0;
	/* One byte for the NUL: what fills all of it is cut. */
	if (user) {
		n = bpf_probe_read_user_str(slot->s.bytes, VD_MAX_STRING + 2, (void *)addr);
		/* Kernels before 6.17 do not count the NUL of an empty string. */
		if (!n)
			n = 1;
	} else {
		n = bpf_probe_read_kernel_str(slot->s.bytes, VD_MAX_STRING + 2, (void *)addr);
	}
	if (n <= 0 || n > VD_MAX_STRING + 2) {
		vd_fail(slot);
		return;
	}
	slot->num = n - 1;
	if (n == VD_MAX_STRING + 2) {
		slot->status |= VD_VALUE_TRUNCATED;
		n = VD_MAX_STRING + 1;
	}
	slot->s.end = n - 1;
}

static __always_inline void vd_fetch_string(struct vd_slot *slot, __u64 addr)
{
	vd_copy_string(slot, addr, vd_reads_user(addr));
}

/* Copies bytes of the process's memory (user) or the kernel's. */
static __always_inline void vd_copy_buffer(struct vd_slot *slot, __u64 addr, __u64 size, __u32 max,
					   bool user)
{
	__u64 n = size > max ? max : size;
	long err;

	slot->s.start = 0;
	slot->s.end = 0;
	slot->num = size;
	if (n > VD_MAX_STRING)
		n = VD_MAX_STRING;
	if (n < size)
		slot->status |= VD_VALUE_TRUNCATED;
	vd_bounded(n);
	if (n > VD_MAX_STRING)
		n = VD_MAX_STRING;
	if (user)
		err = bpf_probe_read_user(slot->s.bytes, n, (void *)addr);
	else
		err = bpf_probe_read_kernel(slot->s.bytes, n, (void *)addr);
	if (err) {
		vd_fail(slot);
		return;
	}
	slot->s.bytes[n] = 0;
	slot->s.end = n;
}

static __always_inline void vd_fetch_buffer(struct vd_slot *slot, __u64 addr, __u64 size, __u32 max)
{
	vd_copy_buffer(slot, addr, size, max, vd_reads_user(addr));
}

static __always_inline void vd_fetch_path(struct vd_slot *slot, struct path *path)
{
	slot->status |= vd_path_of(path, &slot->s);
	if (slot->status & VD_VALUE_FAILED)
		vd_count(VD_COUNT_ARG_FAILED);
}

/* The mode of the file's inode is read when it is told: no dimension looks at it. */
static __always_inline void vd_fetch_file(struct vd_slot *slot, struct file *file)
{
	slot->file = (__u64)file;
	if (!file) {
		vd_fail(slot);
		return;
	}
	slot->num = 0;
	vd_fetch_path(slot, &file->f_path);
}

static __always_inline void vd_fetch_data_loc(void *ctx, struct vd_slot *slot, __u64 loc)
{
	__u32 len = (loc >> 16) & 0xffff, offset = loc & 0xffff;
	long n;

	slot->s.start = 0;
	slot->s.end = 0;
	n = bpf_probe_read_kernel_str(slot->s.bytes, VD_MAX_STRING, ctx + offset);
	if (n <= 0 || n > VD_MAX_STRING) {
		vd_fail(slot);
		return;
	}
	slot->s.end = n - 1;
	slot->num = len ? len - 1 : 0;
	if (n == VD_MAX_STRING && len > VD_MAX_STRING)
		slot->status |= VD_VALUE_TRUNCATED;
}

static __always_inline bool vd_is_compat(struct task_struct *task)
{
	return vd_abi.compat_status &&
	       (BPF_CORE_READ(task, thread_info.status) & vd_abi.compat_status);
}

static __always_inline __u64 vd_slot_raw(struct vd_run *run, __u32 i)
{
	if (vd_config.slots[i].from == VD_FROM_TASK) {
		__u64 task = (__u64)run->task;

		/*
		 * What it finds out of a copy of run->task the verifier remembers of run->task, and it would look at all
		 * that follows once for each half of the addresses. An operation makes the copy a value of its own.
		 */
		asm volatile("%0 |= 0" : "+r"(task));
		return task;
	}
	if (vd_config.slots[i].from == VD_FROM_FIELD || vd_config.slots[i].from == VD_FROM_REGISTER)
		return vd_field(run->ctx, vd_config.slots[i].offset, vd_config.slots[i].width);
	if (vd_config.slots[i].from == VD_FROM_RETURN)
		return run->ret;
	if (vd_config.slots[i].raw >= VD_RAW_ARGS)
		return 0;
	return run->s->raw[vd_config.slots[i].raw];
}

static __always_inline __u64 vd_slot_size(struct vd_run *run, __u32 i)
{
	if (vd_config.slots[i].size_from == 2)
		return vd_field(run->ctx, vd_config.slots[i].size_offset,
				vd_config.slots[i].size_width);
	if (vd_config.slots[i].size_from == 1 && vd_config.slots[i].size_raw < VD_RAW_ARGS)
		return run->s->raw[vd_config.slots[i].size_raw];
	return 0;
}

/* Whether the raw value of a slot or its size could not be read. */
static __always_inline bool vd_slot_failed(struct vd_run *run, __u32 i)
{
	__u32 needs = 1U << (vd_config.slots[i].raw & 31);

	if (vd_config.slots[i].size_from == 1)
		needs |= 1U << (vd_config.slots[i].size_raw & 31);
	return run->failed & needs;
}

#include "resolve.h"
#include "sock.h"
#include "value.h"
#include "buffer.h"

/* Makes a slot one whose value has not been read yet. */
static __always_inline struct vd_slot *vd_clear_slot(struct vd_run *run, __u32 i)
{
	struct vd_slot *slot = &run->s->slots[i];

	slot->status = 0;
	slot->s.start = 0;
	slot->s.end = 0;
	slot->file = 0;
	slot->num = 0;
	slot->fd = 0;
	slot->addr = 0;
	return slot;
}

/* Reads the value of a slot. */
static __noinline void vd_fetch_now(struct vd_run *run, __u32 i)
{
	struct vd_slot *slot;
	__u64 raw = vd_slot_raw(run, i);
	int memory = VD_MEMORY_NONE;

	if (i >= VD_MAX_SLOTS)
		return;
	slot = vd_clear_slot(run, i);
	if (run->failed && vd_slot_failed(run, i)) {
		vd_fail(slot);
		return;
	}
	if (vd_config.slots[i].flags & VD_SLOT_RESOLVE) {
		memory = vd_resolve(run, i, raw);
		if (memory == VD_MEMORY_NONE)
			return;
		raw = slot->num;
	}
	slot->num = vd_extend(raw, vd_config.slots[i].type);
	slot->fd = raw;
	slot->addr = raw;
	switch (vd_config.slots[i].type) {
	case VD_TYPE_STRING:
		vd_copy_string(slot, raw, vd_is_in_user(i, raw, memory));
		break;
	case VD_TYPE_FILENAME: {
		const char *name = 0;

		bpf_core_read(&name, sizeof(name), &((struct filename *)raw)->name);
		vd_fetch_string(slot, (__u64)name | 1ULL << vd_abi.kernel_bit);
		break;
	}
	case VD_TYPE_FD:
		vd_fetch_file(slot, vd_file_of(run->task, raw));
		break;
	case VD_TYPE_FILE:
		vd_fetch_file(slot, (struct file *)raw);
		break;
	case VD_TYPE_PATH:
		slot->num = BPF_CORE_READ((struct path *)raw, dentry, d_inode, i_mode);
		vd_fetch_path(slot, (struct path *)raw);
		break;
	case VD_TYPE_CHAR_BUF:
		slot->user = vd_is_in_user(i, raw, memory);
		vd_copy_buffer(slot, raw, vd_slot_size(run, i), vd_config.slots[i].max, slot->user);
		break;
	case VD_TYPE_CHAR_IOVEC:
	case VD_TYPE_IOV_ITER:
		slot->user = vd_is_in_user(i, raw, memory);
		vd_fetch_scattered(run, i, vd_slot_size(run, i), -1ULL);
		break;
	case VD_TYPE_DATA_LOC:
		vd_fetch_data_loc(run->ctx, slot, raw);
		break;
	case VD_TYPE_SYSCALL64:
		if (vd_is_compat(run->task)) {
			slot->status = VD_VALUE_COMPAT;
			slot->num |= VD_COMPAT_CALL;
		}
		break;
	case VD_TYPE_SOCK:
	case VD_TYPE_SOCKET:
	case VD_TYPE_SKB:
	case VD_TYPE_SOCKADDR:
		vd_fetch_net(slot, vd_config.slots[i].type, raw);
		break;
	case VD_TYPE_SOCKADDR_UN:
		vd_fetch_sockaddr_un(slot, raw, (__u32)vd_slot_size(run, i));
		break;
	default:
		vd_fetch_value(run, slot, i, raw, memory);
	}
}

/* Reads the value of a slot at the entry of a call. */
static __always_inline void vd_fetch(struct vd_run *run, __u32 i)
{
	if (i >= VD_MAX_SLOTS)
		return;
	if (vd_config.slots[i].flags & VD_SLOT_RETURN_COPY)
		vd_clear_slot(run, i)->status = VD_VALUE_AT_RETURN;
	else
		vd_fetch_now(run, i);
}

/* ---- classification ----------------------------------------------------------- */

/*
 * ANDs a vector into the rules, which are all of them where it is the first;
 * returns whether any is left.
 */
static __always_inline bool vd_and_words(struct vd_run *run, const __u64 *words, bool first)
{
	__u64 *acc = run->s->acc;
	const __u64 *from = first ? run->tables->all : acc;
	__u32 w, n = vd_config.words;
	__u64 any = 0;

	for (w = 0; w < VD_MAX_WORDS; w++) {
		__u64 rules;

		if (w >= n)
			break;
		rules = *from++ & *words++;
		*acc++ = rules;
		any |= rules;
		/* Three pointers, and not one offset that is added to each of them. */
		vd_bounded(from);
		vd_bounded(words);
		vd_bounded(acc);
	}
	return any;
}

/* The same with vector number v. */
static __always_inline bool vd_and(struct vd_run *run, __u32 v, bool first)
{
	struct vd_vector *vec = bpf_map_lookup_elem(&vd_vectors, &v);

	return vec && vd_and_words(run, vec->words, first);
}

#define VD_SIGN (1ULL << 63)

/* The rows of the half that a dimension is in, NULL if there are none. */
static __always_inline char *vd_rows(const struct vd_dim_tables *t)
{
	__u32 half = t->state >> 31;

	return bpf_map_lookup_elem(&vd_table, &half);
}

/* The row at an offset in bytes; of what is no row's the mask makes one. */
static __always_inline struct vd_entry *vd_row(char *rows, __u64 at)
{
	at &= vd_config.table_mask;
	vd_bounded(at);
	return (void *)(rows + at);
}

/*
 * Binary search among the elementary intervals, which are padded to a power of
 * two; the first has key 0. Where it stands is in memory, so that the verifier
 * sees one state for each turn.
 */
static __always_inline __u32 vd_interval(struct vd_hook_scratch *s, const struct vd_dim_tables *t,
					 __u32 steps, __u64 value)
{
	volatile __u64 *row = &s->cursor.row;
	char *rows = vd_rows(t);
	__u32 i, half = (sizeof(struct vd_entry) << steps) / 2;

	if (!rows)
		return t->none;
	*row = t->base;
	for (i = 0; i < VD_MAX_STEPS && half >= sizeof(struct vd_entry); i++) {
		__u64 next = *row + half;

		if (vd_row(rows, next)->key <= value)
			*row = next;
		half /= 2;
	}
	return vd_row(rows, *row)->a;
}

static __always_inline bool vd_masks(struct vd_run *run, const struct vd_dim_tables *t,
				     __u32 steps, __u64 value, bool first)
{
	char *rows = vd_rows(t);
	__u64 at = t->base;
	__u32 i;

	if (!rows)
		return false;
	for (i = 0; i < VD_MAX_MASKS; i++) {
		struct vd_entry *e;

		if (i >= steps || i >= t->len)
			break;
		e = vd_row(rows, at);
		if (!vd_and(run, value & e->key ? e->a : e->b, first && !i))
			return false;
		at += sizeof(*e);
	}
	return true;
}

/* The follow bits of the descriptor in a slot. */
static __always_inline __u64 vd_follow_mask(struct vd_run *run, struct vd_slot *slot)
{
	struct vd_followed_key key = { .pid = run->pid, .fd = slot->fd };
	struct file *file = (struct file *)slot->file;
	struct vd_followed *f;

	f = bpf_map_lookup_elem(&vd_followed, &key);
	if (!f || !run->process || f->born != run->process->born)
		return 0;
	/* Closed without close(2), by exec or dup2, and in use again? */
	if (f->file != (__u64)file || f->inode != (__u64)BPF_CORE_READ(file, f_inode))
		return 0;
	return f->mask;
}

/* The value of a dimension that is a number; false if there is none. */
static __always_inline bool vd_dim_value(struct vd_run *run, const volatile struct vd_dim_config *d,
					 __u64 *value)
{
	__u8 source = d->source, index = d->index, other = d->other;
	struct vd_process *p = run->process;

	switch (source) {
	case VD_SOURCE_PID:
		*value = run->pid;
		return true;
	case VD_SOURCE_NAMESPACE:
		*value = vd_current_namespace(index);
		return true;
	case VD_SOURCE_CAPS:
		*value = vd_current_caps(index);
		return true;
	case VD_SOURCE_WORKLOAD:
		*value = vd_workload_class(run->task, run->tables->process_generation);
		return true;
	case VD_SOURCE_ARG:
		if (index >= VD_MAX_SLOTS)
			return false;
		*value = run->s->slots[index].num;
		return !(run->s->slots[index].status & VD_VALUE_FAILED);
	case VD_SOURCE_FOLLOWED: {
		struct vd_slot *slot;

		if (index >= VD_MAX_SLOTS)
			return false;
		slot = &run->s->slots[index];
		if (slot->status & VD_VALUE_FAILED)
			return false;
		*value = vd_follow_mask(run, slot);
		return true;
	}
	case VD_SOURCE_FILE_TYPE:
		return index < VD_MAX_SLOTS && vd_file_type(&run->s->slots[index], value);
	case VD_SOURCE_CAPS_GAINED:
		if (index >= VD_MAX_SLOTS || other >= VD_MAX_SLOTS)
			return false;
		*value = run->s->slots[other].num & ~run->s->slots[index].num;
		return !((run->s->slots[index].status | run->s->slots[other].status) &
			 VD_VALUE_FAILED);
	}
	if (!p)
		return false;
	switch (source) {
	case VD_SOURCE_NSPID:
		*value = p->nspid;
		return true;
	case VD_SOURCE_SETS:
		*value = p->sets[run->tables->process_generation & 1];
		return true;
	case VD_SOURCE_BINARY:
		*value = p->binary[run->tables->process_generation & 1];
		return true;
	case VD_SOURCE_BINARY_END:
		*value = p->binary_end[run->tables->process_generation & 1];
		return true;
	case VD_SOURCE_PARENT_SETS:
		*value = p->parent_sets[run->tables->process_generation & 1];
		return true;
	case VD_SOURCE_PARENT_BINARY:
		*value = p->parent_binary[run->tables->process_generation & 1];
		return true;
	case VD_SOURCE_PARENT_BINARY_END:
		*value = p->parent_binary_end[run->tables->process_generation & 1];
		return true;
	case VD_SOURCE_NAMESPACE_CHANGES:
		*value = vd_namespace_changes(p, d->field_offset);
		return true;
	case VD_SOURCE_CAPABILITY_CHANGES:
		if (index >= VD_CAP_SETS)
			return false;
		*value = vd_current_caps(index) ^ p->caps[index];
		return true;
	case VD_SOURCE_FLAGS:
		*value = p->flags & VD_PROCESS_IN_PIDNS ? 1 : 0;
		if (vd_in_user_namespace(run->task))
			*value |= 2;
		return true;
	}
	return false;
}

/* The vector of the string in a slot. */
static __always_inline __u32 vd_string_vector(struct vd_run *run,
					      const volatile struct vd_dim_config *d,
					      const struct vd_dim_tables *t)
{
	bool reversed = d->kind == VD_DIM_POSTFIX;
	struct vd_hook_scratch *s = run->s;
	struct vd_string_value *v;
	struct vd_slot *slot;

	if (d->index >= VD_MAX_SLOTS)
		return t->none;
	slot = &s->slots[d->index];
	/* The end of a cut string is not its end, and a path whose beginning is unknown has no prefix. */
	if (slot->status & (VD_VALUE_FAILED | VD_VALUE_NO_PATH | VD_VALUE_AT_RETURN |
			    (reversed ? VD_VALUE_TRUNCATED : VD_VALUE_UNRESOLVED)))
		return t->none;
	if (reversed)
		v = vd_look_up_reversed(&vd_strings, &s->key, &slot->s, t->state);
	else
		v = vd_look_up(&vd_strings, &s->key, &slot->s, t->state,
			       slot->status & VD_VALUE_TRUNCATED);
	if (!v)
		return t->none;
	if (v->exact && v->exact != slot->s.end - slot->s.start + 1)
		return v->otherwise;
	return v->vector;
}

static __always_inline bool vd_dim_number(struct vd_run *run,
					  const volatile struct vd_dim_config *d,
					  const struct vd_dim_tables *t, __u64 value, bool first)
{
	if (d->kind == VD_DIM_MASK)
		return vd_masks(run, t, d->steps, value, first);
	if (d->kind == VD_DIM_INDEX) {
		char *rows = value < t->len ? vd_rows(t) : 0;
		__u64 at = t->base + value * sizeof(struct vd_entry);

		return vd_and(run, rows ? vd_row(rows, at)->a : t->none, first);
	}
	if (d->flags & VD_DIM_SIGNED)
		value ^= VD_SIGN;
	return vd_and(run, vd_interval(run->s, t, d->steps, value), first);
}

/* The value of a dimension that is a number in a slot's content; false if there is none. */
static __always_inline bool vd_dim_field(struct vd_hook_scratch *s,
					 const volatile struct vd_dim_config *d, __u64 *value)
{
	__u32 at = d->field_offset;
	struct vd_slot *slot;
	void *field;

	if (d->index >= VD_MAX_SLOTS || at > sizeof(struct vd_net))
		return false;
	slot = &s->slots[d->index];
	if (slot->status & (VD_VALUE_FAILED | (d->flags & VD_DIM_PORT ? VD_VALUE_NO_PORT : 0)))
		return false;
	field = &slot->s.bytes[at];
	*value = d->field_width == 1 ? *(__u8 *)field :
		 d->field_width == 2 ? *(__u16 *)field :
		 d->field_width == 4 ? *(__u32 *)field :
				       *(__u64 *)field;
	return true;
}

/*
 * An address in a slot's content. Those of IPv4 are numbers among intervals,
 * which is the faster look-up, those of IPv6 go through the trie.
 */
static __always_inline __u32 vd_address_vector(struct vd_run *run,
					       const volatile struct vd_dim_config *d,
					       const struct vd_dim_tables *t)
{
	struct vd_string_key *key = &run->s->key;
	struct vd_string_value *v;
	__u32 at = d->field_offset;
	struct vd_slot *slot;
	__u32 *words;

	if (d->index >= VD_MAX_SLOTS || at > sizeof(struct vd_net))
		return t->none;
	slot = &run->s->slots[d->index];
	if (slot->status & (VD_VALUE_FAILED | VD_VALUE_NO_ADDRESS))
		return t->none;
	words = (__u32 *)&slot->s.bytes[at];
	if (!words[0] && !words[1] && words[2] == VD_MAPPED)
		return vd_interval(run->s, t, d->steps, __builtin_bswap32(words[3]));
	key->state = __builtin_bswap32(t->state);
	key->prefixlen = 32 + 128;
	__builtin_memcpy(key->data, words, 16);
	v = bpf_map_lookup_elem(&vd_strings, key);
	return v ? v->vector : t->none;
}

/* Fetches what dimension d is the first to look at. */
static __always_inline void vd_dim_fetch(struct vd_run *run, const volatile struct vd_dim_config *d)
{
	__u32 i;

	if (d->flags & VD_DIM_FETCH)
		vd_fetch(run, d->index);
	if (d->flags & VD_DIM_FETCH_OTHER)
		vd_fetch(run, d->other);
	if (d->kind != VD_DIM_EXPRESSION)
		return;
	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (d->steps & 1U << i)
			vd_fetch(run, i);
	}
}

/* Classifies by dimension d, which is fetched; returns whether any rule is left. */
static __always_inline bool vd_dim(struct vd_run *run, const volatile struct vd_dim_config *d,
				   const struct vd_dim_tables *t, bool first)
{
	__u64 value = 0;

	if (d->kind == VD_DIM_STRING || d->kind == VD_DIM_POSTFIX)
		return vd_and(run, vd_string_vector(run, d, t), first);
	if (d->kind == VD_DIM_ADDRESS)
		return vd_and(run, vd_address_vector(run, d, t), first);
	if (d->source == VD_SOURCE_FIELD ? !vd_dim_field(run->s, d, &value) :
					   !vd_dim_value(run, d, &value))
		return vd_and(run, t->none, first);
	return vd_dim_number(run, d, t, value, first);
}

#include "substring.h"
#include "expression.h"

/* A function of its own, so that the verifier follows what comes after it once. */
static __noinline __u32 vd_string_vector_apart(struct vd_run *run,
					       const volatile struct vd_dim_config *d,
					       const struct vd_dim_tables *t)
{
	return vd_string_vector(run, d, t);
}

/*
 * The same in hooks with substrings or expressions: behind a function the
 * verifier sees fewer different states, and each of them costs it much there.
 */
static __noinline bool vd_dim_apart(struct vd_run *run, const volatile struct vd_dim_config *d,
				    const struct vd_dim_tables *t, bool first)
{
	if (d->kind == VD_DIM_SUBSTRING)
		return vd_dim_substring(run, d, t, first);
	if (d->kind == VD_DIM_EXPRESSION)
		return vd_dim_expression(run, d, t, first);
	if (d->kind == VD_DIM_STRING || d->kind == VD_DIM_POSTFIX)
		return vd_and(run, vd_string_vector_apart(run, d, t), first);
	return vd_dim(run, d, t, first);
}

static __always_inline bool vd_classify(struct vd_run *run)
{
	__u32 i;

	for (i = 0; !vd_config.n_dims && i < VD_MAX_WORDS; i++) {
		if (i >= vd_config.words)
			break;
		run->s->acc[i] = run->tables->all[i];
	}
	for (i = 0; i < VD_MAX_DIMS; i++) {
		if (i >= vd_config.n_dims)
			break;
		vd_dim_fetch(run, &vd_config.dims[i]);
		if (vd_config.dims[i].flags & VD_DIM_APART) {
			if (!vd_dim_apart(run, &vd_config.dims[i], &run->tables->dims[i], !i))
				return false;
		} else if (!vd_dim(run, &vd_config.dims[i], &run->tables->dims[i], !i)) {
			return false;
		}
	}
	return true;
}

/*
 * The lowest rule of every group. Within a group of several rules the
 * subtraction of its first bit borrows up to its lowest set bit; the guard
 * bit behind the group stops the borrow where no bit is set.
 */
static __always_inline void vd_winners(struct vd_hook_scratch *s, const struct vd_hook_tables *r)
{
	__u64 borrow = 0;
	__u32 w;

	for (w = 0; w < VD_MAX_WORDS; w++) {
		__u64 m, n, x, t, d;

		if (w >= vd_config.words)
			break;
		m = s->acc[w];
		n = m & ~r->single[w];
		x = n | r->guard[w];
		t = x - r->start[w];
		d = t - borrow;
		borrow = (x < r->start[w]) | (t < borrow);
		s->win[w] = (m & r->single[w]) | (n & ~d);
	}
}

/* ---- actions -------------------------------------------------------------------- */

/* Where the lowest set bit is: by a de Bruijn sequence, as BPF has no ctz. */
static const __u8 vd_debruijn[64] = {
	0, 1, 2, 53, 3, 7, 54, 27, 4, 38, 41, 8, 34, 55, 48, 28,
	62, 5, 39, 46, 44, 42, 22, 9, 24, 35, 59, 56, 49, 18, 29, 11,
	63, 52, 6, 26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
	51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

static __always_inline __u32 vd_lowest(__u64 x)
{
	return vd_debruijn[((x & -x) * 0x022fdd63cc95386dULL) >> 58 & 63];
}

static __always_inline void vd_mix(struct vd_rate_key *k, __u64 v)
{
	k->hash = (k->hash ^ v) * 0x9e3779b97f4a7c15ULL;
	k->hash ^= k->hash >> 29;
	k->hash2 = (k->hash2 + v) * 0xc2b2ae3d27d4eb4fULL;
	k->hash2 ^= k->hash2 >> 31;
}

/*
 * Without a branch on how many bytes the last word has: the verifier of newer
 * kernels would walk both ways in every round. There is room behind the string.
 */
static __always_inline void vd_mix_slot(struct vd_rate_key *k, struct vd_slot *slot)
{
	__u32 at = slot->s.start, end = slot->s.end;
	__u32 i;

	vd_mix(k, slot->num);
	vd_mix(k, end - at);
	for (i = 0; i < VD_RATE_HASHED; i++) {
		__s32 beyond = 8 - (__s32)(end - at);
		char *from;
		__u64 v;

		if (at >= end || at >= VD_MAX_STRING)
			break;
		from = &slot->s.bytes[at];
		/* The compiler itself would read what is not aligned by the byte. */
		asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(v) : "r"(from) : "memory");
		beyond &= ~(beyond >> 31);
		vd_mix(k, v << (8 * (beyond & 7)));
		at += 8;
	}
}

/* Whether a rule's event falls under its rate limit. All slots are fetched. */
static __always_inline bool vd_limited(struct vd_run *run, struct vd_rule *rule)
{
	struct vd_rate_key *k = &run->s->rate;
	__u64 *last;
	__u32 i;

	__builtin_memset(k, 0, sizeof(*k));
	k->rule = rule->rate_id + vd_hook(run); /* each function of a list has its own limit */
	if (rule->rate_scope == 0)
		k->scope = (__u64)run->pid << 32 | run->tid;
	else if (rule->rate_scope == 1)
		k->scope = run->pid;
	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		vd_mix_slot(k, &run->s->slots[i]);
	}
	last = bpf_map_lookup_elem(&vd_rate, k);
	if (last && run->now - *last < rule->rate_interval)
		return true;
	bpf_map_update_elem(&vd_rate, k, &run->now, BPF_ANY);
	return false;
}

/* Returns whether what is followed has changed. */
static __always_inline bool vd_fd_op(struct vd_run *run, const struct vd_fd_op *op)
{
	struct vd_followed *f = &run->s->followed;
	struct vd_followed_key key = { .pid = run->pid };
	__u32 fd = op->fd & (VD_MAX_SLOTS - 1), other = op->other & (VD_MAX_SLOTS - 1);
	struct vd_followed *old;
	__u8 kind = op->kind;
	struct file *file;
	__u64 bit;

	if (!kind || !run->process)
		return false;
	vd_bounded(other);
	other &= VD_MAX_SLOTS - 1;
	bit = 1ULL << (op->follow_bit & 63);
	key.fd = run->s->slots[fd].fd;
	old = bpf_map_lookup_elem(&vd_followed, &key);
	if (kind == VD_FD_UNFOLLOW) {
		if (!old || !(old->mask & bit))
			return false;
		old->mask &= ~bit;
		if (!old->mask)
			bpf_map_delete_elem(&vd_followed, &key);
		return true;
	}
	f->born = run->process->born;
	f->mask = bit;
	if (kind == VD_FD_COPY) {
		if (!old || !(old->mask & bit))
			return false;
		/* At a call's entry the new descriptor is not open yet. */
		f->file = old->file;
		f->inode = old->inode;
		key.fd = run->s->slots[other].fd;
		old = bpf_map_lookup_elem(&vd_followed, &key);
	} else {
		/* At the entry of fd_install the descriptor does not have the file yet. */
		file = (struct file *)run->s->slots[other].file;
		if (!file)
			file = vd_file_of(run->task, key.fd);
		f->file = (__u64)file;
		f->inode = (__u64)BPF_CORE_READ(file, f_inode);
	}
	if (old && old->born == f->born && old->file == f->file && old->inode == f->inode)
		f->mask |= old->mask;
	if (bpf_map_update_elem(&vd_followed, &key, f, BPF_ANY))
		vd_count(VD_COUNT_FOLLOW_FULL);
	run->process->flags |= VD_PROCESS_FOLLOWS;
	return true;
}

/* Moves the cursor to the next winner; returns its bit, or -1 at the end. */
static __always_inline __s32 vd_next(struct vd_hook_scratch *s, const __u64 *from)
{
	struct vd_cursor *c = &s->cursor;
	__u64 x = c->left;
	__u32 w = c->word;

	if (!x) {
		w++;
		if (w >= vd_config.words || w >= VD_MAX_WORDS)
			return -1;
		c->word = w;
		c->left = from[w];
		return -2;
	}
	c->left = x & (x - 1);
	return w * 64 + vd_lowest(x);
}

static __always_inline void vd_rewind(struct vd_hook_scratch *s, const __u64 *from)
{
	s->cursor.word = 0;
	s->cursor.left = from[0];
	s->cursor.signal = 0;
	s->cursor.error = 0;
	s->cursor.stacks = 0;
	s->cursor.registers = 0;
	s->cursor.notified = 0;
	s->cursor.punished = 0;
}

/* Turns of the loop that visits all winners: one each, and one for each word. */
#define VD_WINNER_TURNS (1024 + VD_MAX_WORDS)

#define VD_SIGKILL 9

/* Notes a rule's signal; returns whether it has one that is to be sent. */
static __always_inline bool vd_note_signal(struct vd_cursor *c, struct vd_rule *rule,
					   struct vd_rule_counters *n)
{
	__u32 signal = rule->flags & VD_RULE_KILL ? VD_SIGKILL : rule->signal;

	if (!(rule->flags & (VD_RULE_KILL | VD_RULE_SIGNAL)))
		return false;
	if (rule->flags & VD_RULE_MONITOR) {
		n->monitor_signal++;
		return false;
	}
	n->signal++;
	if (c->signal != VD_SIGKILL)
		c->signal = signal;
	return true;
}

/* Notes what a rule wants the caller to get: the first rule that says so is heard. */
static __always_inline void vd_note_error(struct vd_cursor *c, struct vd_rule *rule,
					  struct vd_rule_counters *n)
{
	__s32 error = rule->error;

	if (!(rule->flags & VD_RULE_OVERRIDE))
		return;
	if (rule->flags & VD_RULE_MONITOR) {
		n->monitor_override++;
		return;
	}
	n->override++;
	if (!c->error)
		c->error = error;
	if ((vd_config.features & VD_FEATURE_REGISTERS) && !c->registers)
		c->registers = rule->registers;
}

/* Carries out the descriptor actions; returns whether any changed something. */
static __always_inline bool vd_fd_ops(struct vd_run *run, struct vd_rule *rule)
{
	bool changed = false;
	__u32 i;

	for (i = 0; i < VD_MAX_FD_OPS; i++) {
		if (vd_fd_op(run, &rule->fd_ops[i]))
			changed = true;
	}
	return changed;
}

/* Makes the process of the event the owner of the socket in a slot. */
static __always_inline void vd_track(struct vd_run *run, __u32 i, __u32 bit)
{
	struct vd_slot *slot = &run->s->slots[i & (VD_MAX_SLOTS - 1)];
	struct vd_sock_owner owner = { .pid = run->pid };
	__u64 sock = ((struct vd_net *)slot->s.bytes)->address;
	struct vd_sock_owner *old;

	if (slot->status & VD_VALUE_FAILED)
		return;
	old = bpf_map_lookup_elem(&vd_sock_owners, &sock);
	owner.trackers = 1ULL << (bit & 63) | (old ? old->trackers : 0);
	owner.start = owner.born = vd_born(run->task);
	if (run->process) {
		owner.start = run->process->start;
		owner.born = run->process->born;
	}
	bpf_map_update_elem(&vd_sock_owners, &sock, &owner, BPF_ANY);
}

static __always_inline void vd_untrack(struct vd_run *run, __u32 i, __u32 bit)
{
	struct vd_slot *slot = &run->s->slots[i & (VD_MAX_SLOTS - 1)];
	__u64 sock = ((struct vd_net *)slot->s.bytes)->address;
	struct vd_sock_owner *owner;

	if (slot->status & VD_VALUE_FAILED)
		return;
	owner = bpf_map_lookup_elem(&vd_sock_owners, &sock);
	if (!owner)
		return;
	owner->trackers &= ~(1ULL << (bit & 63));
	if (!owner->trackers)
		bpf_map_delete_elem(&vd_sock_owners, &sock);
}

static __always_inline __u64 vd_register(void *regs, __u32 offset)
{
	__u64 v = 0;

	bpf_probe_read_kernel(&v, 8, regs + offset);
	return v;
}

/* Which of the ways of a static probe's places to have their arguments ctx has. */
static __always_inline __u64 vd_variant(void *regs)
{
	__u64 variant = 0;

	if (vd_config.variants > 1)
		variant = bpf_get_attach_cookie(regs);
	return variant < VD_MAX_VARIANTS ? variant : 0;
}

static __always_inline __u64 vd_operand_address(void *regs, const volatile struct vd_operand *o)
{
	__u64 at = o->value + vd_register(regs, o->base);

	if (o->scale)
		at += vd_register(regs, o->index) * o->scale;
	return at;
}

/* The value of an operand; false if it cannot be read. */
static __always_inline bool vd_operand_value(void *regs, const volatile struct vd_operand *o,
					     __u64 *value)
{
	__u32 unused = (64 - 8 * o->width) & 63;
	__u64 v = o->value;

	switch (o->kind) {
	case VD_OPERAND_CONSTANT:
		break;
	case VD_OPERAND_REGISTER:
		v = vd_register(regs, o->base);
		break;
	case VD_OPERAND_MEMORY:
		v = vd_operand_address(regs, o);
		/* What is behind it may not be there, so no more is read than it has. */
		if (o->width == 8 ? bpf_probe_read_user(&v, 8, (void *)v) :
		    o->width == 4 ? bpf_probe_read_user(&v, 4, (void *)v) :
		    o->width == 2 ? bpf_probe_read_user(&v, 2, (void *)v) :
				    bpf_probe_read_user(&v, 1, (void *)v))
			return false;
		break;
	default:
		return false;
	}
	v <<= unused;
	*value = o->is_signed ? (__u64)((__s64)v >> unused) : v >> unused;
	return true;
}

/* Whether the process is the agent, which is spared: with it all enforcement would end. */
static __always_inline bool vd_is_agent(struct vd_run *run)
{
	__u32 zero = 0;
	__u32 *agent = bpf_map_lookup_elem(&vd_agent, &zero);

	return agent && *agent == run->pid;
}

#include "stack.h"
#include "write.h"

/* Notes for the enforcer of the rule's policy what it is to do in this system call. */
static __noinline void vd_notify(struct vd_run *run, struct vd_rule *rule)
{
	__u32 at = rule->notice_bit & (VD_MAX_ENFORCERS - 1);
	struct task_struct *task = run->task;
	struct vd_notice *n = vd_noticed(task, run->tid);
	__u64 bit = 1ULL << at;

	if (!n) {
		struct vd_notice *fresh = &run->s->notice;

		fresh->born = BPF_CORE_READ(task, start_boottime);
		fresh->open = 0;
		bpf_map_update_elem(&vd_notices, &run->tid, fresh, BPF_ANY);
		n = bpf_map_lookup_elem(&vd_notices, &run->tid);
	}
	/* What it was notified of before holds no longer. */
	if (!n || n->open & bit)
		vd_count(VD_COUNT_NOTICE_MISSED);
	if (!n)
		return;
	n->sentences[at].error = rule->notice_error;
	n->sentences[at].signal = rule->notice_signal;
	n->open |= bit;
	run->s->cursor.notified = 1;
}

/* Carries out what a rule has for the enforcer of its policy. */
static __always_inline void vd_act_notify(struct vd_run *run, struct vd_rule *rule,
					  struct vd_rule_counters *counters)
{
	struct vd_notice *n;

	if (rule->flags & VD_RULE_MONITOR) {
		if (rule->flags & VD_RULE_NOTIFY)
			counters->monitor_notify++;
		return;
	}
	if (rule->flags & VD_RULE_CLEAN_NOTIFY) {
		n = vd_noticed(run->task, run->tid);
		if (n)
			n->open &= ~(1ULL << (rule->notice_bit & (VD_MAX_ENFORCERS - 1)));
	}
	if (rule->flags & VD_RULE_NOTIFY) {
		counters->notify++;
		vd_notify(run, rule);
	}
}

/*
 * Carries out one rule, and notes in s->post whether it has an event. The rows
 * of rules begin at base.
 */
static __noinline void vd_act(struct vd_run *run, __u32 bit, __u32 base)
{
	__u32 at = base + bit, word;
	struct vd_rule *rule = bpf_map_lookup_elem(&vd_rules, &at);
	struct vd_rule_counters *n = bpf_map_lookup_elem(&vd_rule_counters, &at);
	bool quiet = false;

	if (!rule || !n)
		return;
	if ((vd_config.features & VD_FEATURE_FD_OPS) && rule->fd_ops[0].kind)
		/* A close of what nobody follows is no event. */
		quiet = !vd_fd_ops(run, rule) && !(rule->flags & VD_RULE_RETURN_ACTIONS);
	if ((vd_config.features & (VD_FEATURE_KILL | VD_FEATURE_SIGNAL)) &&
	    vd_note_signal(&run->s->cursor, rule, n))
		quiet = false;
	if (vd_config.features & VD_FEATURE_OVERRIDE)
		vd_note_error(&run->s->cursor, rule, n);
	if (vd_config.features & VD_FEATURE_NOTIFY)
		vd_act_notify(run, rule, n);
	if ((vd_config.features & VD_FEATURE_SET) && vd_set_arguments(run, rule, n))
		quiet = false;
	if ((vd_config.features & VD_FEATURE_SOCK_TRACK) && rule->flags & VD_RULE_TRACK_SOCK)
		vd_track(run, rule->track, rule->track_bit);
	if ((vd_config.features & VD_FEATURE_SOCK_TRACK) && rule->flags & VD_RULE_UNTRACK_SOCK)
		vd_untrack(run, rule->untrack, rule->track_bit);
	if (!(rule->flags & VD_RULE_POST)) {
		if (rule->flags & VD_RULE_NO_POST)
			n->no_post++;
		/* Its return is waited for all the same. */
		if (!(rule->flags & VD_RULES_OF_RETURN))
			return;
	}
	if (quiet)
		return;
	if ((vd_config.features & VD_FEATURE_RATE) && rule->rate_interval &&
	    vd_limited(run, rule)) {
		n->rate_limited++;
		return;
	}
	if (!(rule->flags & VD_RULE_RETURN))
		n->post++;
	if ((vd_config.features & VD_FEATURE_CHANGES) && run->process)
		vd_note_told(run->process, rule->flags);
	if (vd_config.features & VD_FEATURE_STACKS)
		run->s->cursor.stacks |= rule->flags & VD_RULE_STACKS;
	word = bit / 64;
	vd_bounded(word);
	if (word < VD_MAX_WORDS)
		run->s->post[word] |= 1ULL << (bit & 63);
}

/* Acts on the rules in a vector, whose rows begin at base. */
static __always_inline void vd_act_all(struct vd_run *run, const __u64 *rules, __u32 base)
{
	struct vd_hook_scratch *s = run->s;
	__u32 i;

	for (i = 0; i < VD_MAX_WORDS; i++) {
		if (i >= vd_config.words)
			break;
		s->post[i] = 0;
	}
	vd_rewind(s, rules);
	for (i = 0; i < VD_WINNER_TURNS; i++) {
		__s32 bit;

		if (i >= vd_config.winners + vd_config.words)
			break;
		bit = vd_next(s, rules);
		if (bit == -1)
			break;
		if (bit >= 0)
			vd_act(run, bit, base);
	}
}

/* ---- events ---------------------------------------------------------------------- */

/* A function of its own: where registers run out, kernels before 5.11 forget bounds. */
static __noinline __u32 vd_put_value(struct vd_hook_scratch *s, __u32 at, __u32 i, __u32 type)
{
	struct vd_value *v;
	struct vd_slot *slot;
	struct file *file;
	__u64 n;

	if (at > VD_HOOK_RECORD_MAX - VD_MAX_STRING - 64 || i >= VD_MAX_SLOTS)
		return at;
	v = (void *)&s->record[at];
	slot = &s->slots[i];
	v->type = type;
	v->slot = i;
	v->status = slot->status;
	file = (struct file *)slot->file;
	v->num = file ? BPF_CORE_READ(file, f_inode, i_mode) : slot->num;
	v->len = 0;
	at += sizeof(*v);
	if (vd_is_bare(type) ||
	    (slot->status & (VD_VALUE_FAILED | VD_VALUE_NO_PATH | VD_VALUE_AT_RETURN)))
		return at;
	vd_complete_net(slot, type);
	n = (__u32)(slot->s.end - slot->s.start);
	vd_bounded(n);
	if (n > VD_MAX_STRING || slot->s.start > VD_MAX_STRING)
		return at;
	/* start + n is end, which is in bytes: the slack behind it is for the verifier. */
	if (bpf_probe_read_kernel(&s->record[at], n, (char *)&slot->s.bytes + slot->s.start))
		return at;
	v->len = n;
	return at + ((n + 7) & ~7);
}

static __always_inline void vd_output(struct vd_hook_scratch *s, __u32 size, bool evidence)
{
	struct vd_hook_record *r = (void *)s->record;

	if (size > VD_HOOK_RECORD_MAX)
		return;
	if ((vd_config.features & VD_FEATURE_NOTIFY) && s->cursor.notified)
		evidence = true;
	vd_header_init(&r->header, VD_RECORD_HOOK, evidence, size, r->header.time);
	if (evidence) {
		if (bpf_ringbuf_output(&vd_ring_evidence, r, size, 0))
			vd_count(VD_COUNT_LOST_EVIDENCE);
	} else {
		if (bpf_ringbuf_output(&vd_ring_bulk, r, size, 0))
			vd_count(VD_COUNT_LOST_BULK);
	}
}

/* Begins a record with the vector in s->acc; returns where values go. */
static __always_inline __u32 vd_begin(struct vd_run *run, __u8 phase, __u8 n_values, __u64 pair)
{
	struct vd_hook_scratch *s = run->s;
	struct vd_hook_record *r = (void *)s->record;
	__u32 w;

	__builtin_memset(r, 0, sizeof(*r));
	r->header.time = run->now;
	r->process.pid = run->pid;
	if (run->process) {
		r->process.start = run->process->start;
		r->process_flags = run->process->flags;
	} else {
		r->process.start = vd_born(run->task);
		r->process_flags = VD_PROCESS_UNKNOWN;
	}
	r->pair = pair;
	r->hook = vd_hook(run);
	r->generation = run->generation;
	r->tid = run->tid;
	r->phase = phase;
	r->words = vd_config.words;
	r->n_values = n_values;
	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		((__u64 *)(r + 1))[w] = s->acc[w];
	}
	return sizeof(*r) + 8 * vd_config.words;
}

/*
 * Puts the rules in post that wait for the return, or for the hash of the file
 * (want), or do not, in acc; whether there are any.
 */
static __always_inline bool vd_choose(struct vd_run *run, bool want)
{
	struct vd_hook_scratch *s = run->s;
	__u64 any = 0;
	__u32 w;

	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		s->acc[w] = s->post[w] & (want ? run->tables->returns[w] : ~run->tables->returns[w]);
		any |= s->acc[w];
	}
	return any;
}

/* Sends one record for the rules in acc. A function of its own: it has several callers. */
static __noinline void vd_emit(struct vd_run *run, __u8 phase, bool evidence)
{
	struct vd_hook_scratch *s = run->s;
	__u32 at, i;

	at = vd_begin(run, phase, vd_config.n_slots, run->now);
	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		at = vd_put_value(s, at, i, vd_config.slots[i].type);
	}
	if (vd_config.features & VD_FEATURE_STACKS)
		at = vd_put_stacks(run, at);
	vd_output(s, at, evidence);
}

/*
 * Remembers that the call's return completes the event whose vector is in
 * acc; false if there is no room: the event is then told without it.
 */
static __always_inline bool vd_await_return(struct vd_run *run, __u32 syscall)
{
	struct vd_pending *p = &run->s->pending;
	__u64 task = (__u64)run->task;
	long err;
	__u32 i;

	p->pair = run->now;
	p->hook = vd_hook(run);
	p->generation = run->generation;
	p->return_slot = vd_config.return_slot;
	p->syscall = syscall;
	p->tid = run->tid;
	for (i = 0; i < VD_RAW_ARGS; i++)
		p->raw[i] = run->s->raw[i];
	for (i = 0; i < VD_MAX_WORDS; i++) {
		if (i >= vd_config.words)
			break;
		p->winners[i] = run->s->acc[i];
	}
	if (vd_config.features & VD_FEATURE_FRAMES) {
		struct vd_call_key key = {
			.task = task, .frame = run->frame, .hook = vd_hook(run)
		};

		err = bpf_map_update_elem(&vd_calls, &key, p, BPF_ANY);
	} else {
		err = bpf_map_update_elem(&vd_pending, &task, p, BPF_ANY);
	}
	if (err)
		vd_count(VD_COUNT_PENDING_FULL);
	return !err;
}

/* Remembers that the file's hash completes the event whose vector is in acc. */
static __always_inline void vd_await_hash(struct vd_run *run)
{
	struct vd_hash_record *h = (void *)run->s->record;

	__builtin_memset(h, 0, sizeof(*h));
	vd_begin(run, VD_PHASE_RETURN, 2, run->now);
	h->record.words = VD_MAX_WORDS;
	h->none.slot = 0xff;
	h->hash.type = VD_TYPE_IMA_HASH;
	h->hash.slot = 0xff;
	h->hash.len = sizeof(h->digest);
	if (bpf_map_update_elem(&vd_hashes, &run->tid, h, BPF_ANY))
		vd_count(VD_COUNT_PENDING_FULL);
}

static __always_inline void vd_fetch_rest(struct vd_run *run)
{
	__u32 i;

	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		if (!(vd_config.slots[i].flags & VD_SLOT_FILTERED))
			vd_fetch(run, i);
	}
}

static __always_inline void vd_init(struct vd_run *run, void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();

	run->ctx = ctx;
	run->pid = id >> 32;
	run->tid = id;
	run->task = (struct task_struct *)bpf_get_current_task();
	if (vd_config.features & VD_FEATURE_PROCESS)
		run->process = bpf_map_lookup_elem(&vd_processes, &run->pid);
}

/* The tables in force; false before the hook has any. */
static __always_inline bool vd_take_tables(struct vd_run *run)
{
	__u32 zero = 0;
	__u32 *current = bpf_map_lookup_elem(&vd_current, &zero);

	if (!current)
		return false;
	run->tables = bpf_map_lookup_elem(&vd_tables, current);
	if (!run->tables)
		return false;
	run->generation = run->tables->generation;
	return true;
}

/* Begins a run; it ends with vd_end. */
static __always_inline struct vd_hook_scratch *vd_start(struct vd_run *run, void *ctx)
{
	vd_init(run, ctx);
	if (!vd_take_tables(run))
		return 0;
	run->s = vd_claim(&vd_hook_scratch, VD_SCRATCH_LEVELS);
	return run->s;
}

/* Ends a run. */
static __always_inline void vd_end(struct vd_run *run)
{
	vd_release(run->s);
}

/* Tells the guards on the way of the thread's system call to refuse it. */
static __always_inline void vd_pronounce(struct vd_run *run, __s32 error)
{
	struct vd_verdict verdict = { .error = error, .hook = vd_hook(run) };

	if (bpf_map_update_elem(&vd_verdicts, &run->tid, &verdict, BPF_ANY))
		vd_count(VD_COUNT_VERDICT_FULL);
}

/*
 * What the caller is to get. Whoever is to be killed gets no result of the
 * call, also where the signal could not be sent: the kernel spares its own
 * threads, which work for processes, and init.
 */
static __always_inline __s32 vd_error(struct vd_cursor *c)
{
	if (c->error)
		return c->error;
	return c->signal == VD_SIGKILL ? -VD_EPERM : 0;
}

/* Sends the signal that the rules want to send; returns whether it was sent. */
static __always_inline bool vd_signal(struct vd_cursor *c)
{
	if (!bpf_send_signal(c->signal))
		return true;
	vd_count(VD_COUNT_SIGNAL_FAILED);
	return false;
}

#define VD_FEATURES_ENFORCE (VD_FEATURE_KILL | VD_FEATURE_SIGNAL | VD_FEATURE_OVERRIDE)

/* Sends what the rules want to send, and returns the error that the caller is to get. */
static __always_inline __s32 vd_enforce(struct vd_run *run, bool *enforced)
{
	struct vd_cursor *c = &run->s->cursor;
	__s32 error = 0;

	if (!c->signal && !c->error && !c->registers)
		return 0;
	if (vd_is_agent(run)) {
		vd_count(VD_COUNT_SIGNAL_FAILED);
		c->registers = 0;
		return 0;
	}
	if (c->registers)
		*enforced = true;
	if (c->signal && vd_signal(c))
		*enforced = true;
	if (vd_config.features & (VD_FEATURE_REFUSES | VD_FEATURE_VERDICT))
		error = vd_error(c);
	if (error)
		*enforced = true;
	if ((vd_config.features & VD_FEATURE_VERDICT) && error)
		vd_pronounce(run, error);
	return error;
}

/* Actions that look at arguments. */
#define VD_FEATURES_FETCH (VD_FEATURE_RATE | VD_FEATURE_FD_OPS | VD_FEATURE_SOCK_TRACK)

/*
 * The way of one event: classify, act, tell. raw is filled in. Returns the
 * error that the caller is to get, 0 for none.
 */
static __noinline __s32 vd_event(struct vd_run *run, __u32 syscall)
{
	struct vd_hook_scratch *s = run->s;
	bool enforced = false;
	__s32 error = 0;

	if (!vd_classify(run))
		return 0;
	vd_winners(s, run->tables);
	run->now = bpf_ktime_get_boot_ns();
	if (!(vd_config.features & VD_FEATURE_PROCESS))
		run->process = bpf_map_lookup_elem(&vd_processes, &run->pid);
	if (!run->process)
		vd_count(VD_COUNT_PROCESS_UNKNOWN);
	if (vd_config.features & VD_FEATURES_FETCH)
		vd_fetch_rest(run);
	vd_act_all(run, s->win, run->tables->rules);
	if (vd_config.features & VD_FEATURES_ENFORCE)
		error = vd_enforce(run, &enforced);
	if (!(vd_config.features & VD_FEATURES_FETCH))
		vd_fetch_rest(run);
	vd_send_data(run);
	if (vd_choose(run, false))
		vd_emit(run, VD_PHASE_ENTRY, enforced);
	if ((vd_config.features & VD_FEATURE_IMA) && vd_choose(run, true)) {
		/* Nobody is asked any more about what is refused: there is no hash then. */
		vd_emit(run, error ? VD_PHASE_ENTRY : VD_PHASE_ENTRY_AWAITS_RETURN, enforced);
		if (!error)
			vd_await_hash(run);
	}
	if ((vd_config.features & VD_FEATURE_RETURN) && vd_choose(run, true))
		vd_emit(run,
			vd_await_return(run, syscall) ? VD_PHASE_ENTRY_AWAITS_RETURN :
							VD_PHASE_ENTRY,
			enforced);
	return error;
}

/* ---- entry points: system calls by tracepoints ------------------------------------- */

/* The arguments of a system call, from its registers. */
static __always_inline void vd_load_call(struct vd_run *run, void *regs)
{
	__u32 i;

	for (i = 0; i < VD_RAW_ARGS; i++) {
		bpf_probe_read_kernel(&run->s->raw[i], 8, regs + vd_abi.args[i]);
		/* A 64-bit program that makes a 32-bit call may have anything above. */
		if (vd_abi.compat)
			run->s->raw[i] = (__u32)run->s->raw[i];
	}
}

static __always_inline __u64 vd_call_number(void *regs)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, 8, regs + vd_abi.number);
	return (__u32)number;
}

/* A call's number, which calls of different tables share, as vd_pending.syscall keeps it. */
static __always_inline __u32 vd_numbered(__u32 number)
{
	return vd_abi.compat ? number | VD_COMPAT_CALL : number;
}

/*
 * A system call's entry, reached from the dispatcher: ctx[0] are the
 * registers, ctx[1] is the number.
 */
SEC("tp_btf/sys_enter")
int vd_hook_enter(__u64 *ctx)
{
	struct vd_run run = {};

	/* To the programs of 32-bit calls the dispatcher leads only those. */
	if (!vd_abi.compat && vd_is_compat((struct task_struct *)bpf_get_current_task())) {
		vd_count(VD_COUNT_COMPAT_SYSCALL);
		return 0;
	}
	if (!vd_start(&run, ctx))
		return 0;
	vd_load_call(&run, (void *)ctx[0]);
	vd_event(&run, vd_numbered(ctx[1]));
	vd_end(&run);
	return 0;
}

/* Whether the return value is a socket: then slot 0 has it. */
static __always_inline bool vd_returns_sock(void)
{
	return vd_config.return_type == VD_TYPE_SOCK || vd_config.return_type == VD_TYPE_SOCKET;
}

static __noinline void vd_fetch_return(struct vd_slot *slot, __u64 ret)
{
	slot->status = 0;
	slot->num = 0;
	slot->file = 0;
	slot->s.start = 0;
	slot->s.end = 0;
	vd_fetch_net(slot, vd_config.return_type, ret);
}

/* Does with the returned socket what the rule whose row is at wants; returns whether the rule posts. */
static __always_inline bool vd_track_return(struct vd_run *run, __u32 at)
{
	struct vd_rule *rule = bpf_map_lookup_elem(&vd_rules, &at);

	if (!rule)
		return false;
	if (rule->flags & VD_RULE_TRACK_RETURN)
		vd_track(run, 0, rule->track_bit);
	if (rule->flags & VD_RULE_UNTRACK_RETURN)
		vd_untrack(run, 0, rule->track_bit);
	return rule->flags & VD_RULE_POST;
}

#define VD_ERROR_POINTER -4095ULL /* IS_ERR, include/linux/err.h */

/* Fetches the object that a returned pointer leads to. */
static __always_inline void vd_fetch_returned(struct vd_run *run, __u32 i)
{
	if (run->ret >= VD_ERROR_POINTER)
		vd_fail(vd_clear_slot(run, i));
	else
		vd_fetch_now(run, i);
}

/* Fetches a buffer that the call has filled. */
static __always_inline void vd_fetch_filled(struct vd_run *run, __u32 i, __u64 pair)
{
	__u64 ret = run->ret, size = ret;
	struct vd_slot *slot = vd_clear_slot(run, i);

	if ((__s64)ret <= 0)
		return;
	slot->addr = vd_slot_raw(run, i);
	slot->user = vd_reads_user(slot->addr);
	if (vd_config.slots[i].type == VD_TYPE_CHAR_BUF) {
		vd_fetch_buffer(slot, slot->addr, ret, vd_config.slots[i].max);
	} else {
		size = vd_slot_size(run, i);
		vd_fetch_scattered(run, i, size, ret);
	}
	if (vd_config.slots[i].max > VD_MAX_STRING)
		vd_send_rest(run, i, size, pair);
}

/*
 * Fetches the buffers that a call has filled, by the arguments that it had.
 * That needs the room of the record. A function of its own: the stack of
 * vd_return is under those that fetch paths.
 */
static __noinline void vd_fetch_all_filled(struct vd_run *run, struct vd_pending *p)
{
	__u32 i;

	for (i = 0; i < VD_RAW_ARGS; i++)
		run->s->raw[i] = p->raw[i];
	run->s->uses = 1;
	run->tid = p->tid;
	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		if ((vd_config.slots[i].flags & VD_SLOT_RETURN_COPY) &&
		    vd_config.slots[i].from != VD_FROM_RETURN)
			vd_fetch_filled(run, i, p->pair);
	}
}

/*
 * Leaves of the rules that won at the entry those that the return value
 * satisfies; returns whether there are any. Functions of their own, as the
 * stack of vd_return is under those that fetch paths.
 */
static __noinline bool vd_classify_return(struct vd_run *run, struct vd_pending *p, __u64 ret)
{
	struct vd_hook_scratch *s = run->s;
	__u64 left = 0;
	__u32 w, i;

	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		s->acc[w] = p->winners[w];
	}
	if (vd_returns_sock())
		vd_fetch_return(&s->slots[0], ret);
	for (i = 0; i < VD_MAX_RETURN_DIMS; i++) {
		if (i >= vd_config.n_return_dims)
			break;
		if (vd_config.return_dims[i].source == VD_SOURCE_FIELD) {
			if (!vd_dim(run, &vd_config.return_dims[i], &run->tables->return_dims[i], false))
				break;
			continue;
		}
		/* Policies may declare the return value differently. */
		if (!vd_dim_number(run, &vd_config.return_dims[i], &run->tables->return_dims[i],
				   vd_extend(ret, vd_config.return_dims[i].index), false))
			break;
	}
	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		left |= s->acc[w];
	}
	return left;
}

/* Counts the events of a return, and does with a returned socket what the rules want. */
static __noinline void vd_count_returned(struct vd_run *run)
{
	struct vd_hook_scratch *s = run->s;
	__u32 i, at;

	vd_rewind(s, s->acc);
	for (i = 0; i < VD_WINNER_TURNS; i++) {
		struct vd_rule_counters *n;
		__s32 bit;

		if (i >= vd_config.winners + vd_config.words)
			break;
		bit = vd_next(s, s->acc);
		if (bit == -1)
			break;
		if (bit < 0)
			continue;
		at = run->tables->rules + bit;
		if ((vd_config.features & VD_FEATURE_SOCK_TRACK) && !vd_track_return(run, at))
			continue;
		if (vd_config.features & VD_FEATURE_RETURN_ACTIONS)
			continue; /* counted when they are carried out */
		n = bpf_map_lookup_elem(&vd_rule_counters, &at);
		if (n)
			n->post++;
	}
}

#include "returnact.h"

/* A function of its own: several programs end with it. */
static __noinline void vd_return(struct vd_run *run, struct vd_pending *p, __u64 ret)
{
	struct vd_hook_scratch *s = run->s;
	bool left = vd_classify_return(run, p, ret);
	__u32 at, i, n_values = 1;
	struct vd_value *v;

	vd_count_returned(run);
	if ((vd_config.features & VD_FEATURE_RETURN_ACTIONS) && left) {
		vd_fetch_acted(run, p); /* from here: no more calls within calls fit */
		left = vd_act_returned(run, ret);
	}
	if (left)
		vd_fetch_all_filled(run, p);
	/* Sent also without a rule left: the entry is then forgotten. */
	at = vd_begin(run, VD_PHASE_RETURN, 1, p->pair);
	v = (void *)&s->record[at];
	v->type = vd_config.return_type;
	v->status = 0;
	v->len = 0;
	at += sizeof(*v);
	if (vd_returns_sock())
		at = vd_put_value(s, at - sizeof(*v), 0, vd_config.return_type);
	v->slot = 0xff;
	v->num = ret;
	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		if (!left || !(vd_config.slots[i].flags & VD_SLOT_RETURN_COPY))
			continue;
		if (vd_config.slots[i].from == VD_FROM_RETURN)
			vd_fetch_returned(run, i);
		at = vd_put_value(s, at, i, vd_config.slots[i].type);
		n_values++;
	}
	((struct vd_hook_record *)s->record)->n_values = n_values;
	((struct vd_hook_record *)s->record)->tid = p->tid;
	if ((vd_config.features & VD_FEATURE_RETURN_ACTIONS) && (vd_config.features & VD_FEATURE_STACKS))
		at = vd_put_stacks(run, at);
	vd_output(s, at, (vd_config.features & VD_FEATURE_RETURN_ACTIONS) && s->cursor.punished);
}

/* Takes the tables with which an entry was classified; false if they are gone. */
static __always_inline bool vd_take_tables_of(struct vd_run *run, __u32 generation)
{
	__u32 i;

	for (i = 0; i < 2; i++) {
		__u32 half = i;

		run->tables = bpf_map_lookup_elem(&vd_tables, &half);
		if (run->tables && run->tables->generation == generation) {
			run->generation = generation;
			return true;
		}
	}
	return false;
}

/* Completes what an entry has begun. */
static __always_inline void vd_complete(void *ctx, __u32 hook, struct vd_pending *p, __u64 ret)
{
	struct vd_run run = { .hook = hook };

	vd_init(&run, ctx);
	run.process = bpf_map_lookup_elem(&vd_processes, &run.pid);
	if (p->hook != hook || !vd_take_tables_of(&run, p->generation)) {
		vd_abandon(p);
		return;
	}
	run.s = vd_claim(&vd_hook_scratch, VD_SCRATCH_LEVELS);
	if (!run.s) {
		vd_abandon(p);
		return;
	}
	run.now = bpf_ktime_get_boot_ns();
	run.ret = ret;
	vd_return(&run, p, ret);
	vd_end(&run);
}

/* Completes a system call's event, which the thread cannot be in twice. */
static __always_inline void vd_complete_call(void *ctx, __u32 hook, __u32 number, __u64 ret)
{
	__u64 task = vd_task();
	struct vd_pending *p = bpf_map_lookup_elem(&vd_pending, &task);

	if (!p)
		return;
	if (p->syscall == number)
		vd_complete(ctx, hook, p, ret);
	else
		vd_abandon(p); /* of a call before, whose return was not seen */
	bpf_map_delete_elem(&vd_pending, &task);
}

/* Completes a function's event. */
static __always_inline void vd_complete_function(void *ctx, __u32 hook, __u64 frame, __u64 ret)
{
	struct vd_call_key key = {
		.task = vd_task(), .frame = frame, .hook = hook
	};
	struct vd_pending *p = bpf_map_lookup_elem(&vd_calls, &key);

	if (!p)
		return;
	vd_complete(ctx, hook, p, ret);
	bpf_map_delete_elem(&vd_calls, &key);
}

/* A system call's return, reached from the dispatcher: ctx[1] is its result. */
SEC("tp_btf/sys_exit")
int vd_hook_return(__u64 *ctx)
{
	vd_complete_call(ctx, vd_config.hook, vd_numbered(vd_call_number((void *)ctx[0])), ctx[1]);
	return 0;
}

#define VD_F_DUPFD 0
#define VD_F_DUPFD_CLOEXEC 1030

/* Whether a call that returned a descriptor has installed it: not every fcntl has. */
static __always_inline bool vd_installs(void *regs, __u64 number)
{
	__u64 command = 0;

	if (number != vd_abi.fcntl)
		return true;
	bpf_probe_read_kernel(&command, 8, regs + vd_abi.args[1]);
	return (__u32)command == VD_F_DUPFD || (__u32)command == VD_F_DUPFD_CLOEXEC;
}

/*
 * The equivalent of fd_install(fd, file) where functions cannot be hooked:
 * the return of every call that gives a new descriptor.
 */
SEC("tp_btf/sys_exit")
int vd_hook_fd_install(__u64 *ctx)
{
	__s64 fd = ctx[1];
	struct vd_run run = {};
	__u64 number;

	if (fd < 0 || fd > 0x7fffffff)
		return 0;
	number = vd_call_number((void *)ctx[0]) & ~vd_abi.x32_bit;
	if (number >= 512 || !(vd_fd_calls[(number >> 6) & 7] & 1ULL << (number & 63)))
		return 0;
	if (!vd_installs((void *)ctx[0], number))
		return 0;
	if (vd_is_compat((struct task_struct *)bpf_get_current_task())) {
		vd_count(VD_COUNT_COMPAT_SYSCALL);
		return 0;
	}
	if (!vd_start(&run, ctx))
		return 0;
	run.s->raw[0] = fd;
	run.s->raw[1] = (__u64)vd_file_of(run.task, fd);
	if (run.s->raw[1])
		vd_event(&run, number);
	vd_end(&run);
	return 0;
}

/* ---- entry points: tracepoints ------------------------------------------------------ */

/* By the fields of its format. */
SEC("tracepoint")
int vd_hook_tracepoint(void *ctx)
{
	struct vd_run run = {};

	if (!vd_start(&run, ctx))
		return 0;
	vd_event(&run, 0);
	vd_end(&run);
	return 0;
}

/*
 * Arguments that the kernel gives as an array, one by one: it refuses a
 * program that reads more than there are.
 */
static __always_inline void vd_load_array(struct vd_run *run, const __u64 *args)
{
	if (vd_config.raw_args > 0)
		run->s->raw[0] = args[0];
	if (vd_config.raw_args > 1)
		run->s->raw[1] = args[1];
	if (vd_config.raw_args > 2)
		run->s->raw[2] = args[2];
	if (vd_config.raw_args > 3)
		run->s->raw[3] = args[3];
	if (vd_config.raw_args > 4)
		run->s->raw[4] = args[4];
	if (vd_config.raw_args > 5)
		run->s->raw[5] = args[5];
}

/*
 * A run whose arguments are an array, or the registers of a system call that
 * is its only element. Returns the error that the caller is to get.
 */
static __always_inline __s32 vd_run_array(__u64 *ctx, __u64 frame)
{
	struct vd_run run = {};
	__u32 number = 0;
	__s32 error;

	if (!vd_start(&run, ctx))
		return 0;
	run.frame = frame;
	if (vd_config.wrapper) {
		vd_load_call(&run, (void *)ctx[0]);
		number = vd_config.call;
	} else {
		vd_load_array(&run, ctx);
	}
	error = vd_event(&run, number);
	vd_end(&run);
	return error;
}

SEC("raw_tracepoint")
int vd_hook_raw_tracepoint(__u64 *ctx)
{
	vd_run_array(ctx, 0);
	return 0;
}

SEC("tp_btf/sys_enter")
int vd_hook_btf_tracepoint(__u64 *ctx)
{
	vd_run_array(ctx, 0);
	return 0;
}

/* ---- entry points: functions by trampolines ----------------------------------------- */

/* The kernel calls the programs of one call of a function with the same ctx. */
SEC("fentry/fd_install")
int vd_hook_fentry(__u64 *ctx)
{
	vd_run_array(ctx, (__u64)ctx);
	return 0;
}

SEC("fmod_ret/security_file_open")
long vd_hook_fmod_ret(__u64 *ctx)
{
	return vd_refusal(vd_run_array(ctx, (__u64)ctx));
}

SEC("lsm/file_open")
long vd_hook_lsm(__u64 *ctx)
{
	return vd_refusal(vd_run_array(ctx, 0));
}

/* The return value stands behind the arguments. It is copied: loaded, it would be a typed pointer. */
static __always_inline __u64 vd_result(void *ctx)
{
	__u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), ctx + 8 * vd_config.return_at);
	return v;
}

SEC("fexit/fd_install")
int vd_hook_fexit(__u64 *ctx)
{
	if (vd_config.wrapper)
		vd_complete_call(ctx, vd_config.hook, vd_config.call, vd_result(ctx));
	else
		vd_complete_function(ctx, vd_config.hook, (__u64)ctx, vd_result(ctx));
	return 0;
}

/* ---- entry points: functions by probes ----------------------------------------------- */

/* The registers of a function's arguments. */
static __always_inline void vd_load_registers(struct vd_run *run, void *regs)
{
	__u32 i;

	for (i = 0; i < VD_RAW_ARGS; i++) {
		if (i >= vd_config.raw_args)
			break;
		run->s->raw[i] = vd_register(regs, vd_abi.params[i]);
	}
}

/* The arguments of a static probe, at the one of its places that ctx is. */
static __always_inline void vd_load_operands(struct vd_run *run, void *regs)
{
	__u64 variant = vd_variant(regs);
	__u32 i;

	for (i = 0; i < VD_RAW_ARGS; i++) {
		if (i >= vd_config.raw_args)
			break;
		run->s->raw[i] = 0;
		if (!vd_operand_value(regs, &vd_operands[variant][i], &run->s->raw[i]))
			run->failed |= 1U << i;
	}
}

/* The number of the hook that a probe is of. */
static __always_inline __u32 vd_probed(void *ctx)
{
	if (vd_config.features & VD_FEATURE_SHARED)
		return bpf_get_attach_cookie(ctx) & ~VD_COOKIE_WRAPPER;
	return vd_config.hook;
}

/*
 * What is kept of a call's number with its awaited return: any number does
 * that is no other call's.
 */
static __always_inline __u32 vd_probed_call(__u32 hook)
{
	return vd_config.features & VD_FEATURE_SHARED ? hook : vd_config.call;
}

/* A function of the kernel or, as uprobe, a place in a program. */
SEC("kprobe")
int vd_hook_kprobe(void *ctx)
{
	struct vd_run run = {};
	__u32 number = 0;

	if (!vd_start(&run, ctx))
		return 0;
	run.frame = vd_register(ctx, vd_abi.stack);
	run.hook = vd_probed(ctx);
	if (vd_config.wrapper) {
		vd_load_call(&run, (void *)vd_register(ctx, vd_abi.params[0]));
		number = vd_probed_call(run.hook);
	} else if (vd_config.variants) {
		vd_load_operands(&run, ctx);
	} else {
		vd_load_registers(&run, ctx);
	}
	vd_event(&run, number);
	if (vd_config.features & VD_FEATURE_REGISTERS)
		vd_write_registers(&run, ctx);
	vd_end(&run);
	return 0;
}

SEC("kprobe")
int vd_hook_kretprobe(void *ctx)
{
	__u64 ret = vd_register(ctx, vd_abi.result);
	__u32 hook = vd_probed(ctx);

	if (vd_config.wrapper)
		vd_complete_call(ctx, hook, vd_probed_call(hook), ret);
	else
		vd_complete_function(ctx, hook, vd_register(ctx, vd_abi.stack) - vd_abi.popped, ret);
	return 0;
}
