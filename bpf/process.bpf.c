//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fork, exec and exit of every process, and the processes that are older
 * than the agent.
 */
#include "container.h"
#include "lineage.h"
#include "maps.h"
#include "path.h"
#include "scratch.h"
#include "strings.h"
#include "task.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define VD_RECORD_MAX 32768
#define VD_CGROUP_DEPTH 16
#define VD_ARGS_INLINE 8192
#define VD_ARGS_CHUNK 32768
#define VD_ARGS_CHUNKS 8
#define VD_ENOENT 2

struct vd_process_scratch {
	__u32 holders;
	__u32 index;
	struct vd_string_key key;
	struct vd_string string;
	struct vd_process process;
	__u64 path[2], root[2]; /* struct path each: of the walk at hand */
	__u32 known; /* the process was in the map */
	__u32 zero;
	char name[VD_NAME_MAX + 1];
	char record[VD_RECORD_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by the loader: CPUs * VD_PROCESS_SCRATCH_LEVELS */
	__type(key, __u32);
	__type(value, struct vd_process_scratch);
} vd_process_scratch SEC(".maps");

/* Classes of binaries; the generation is in the highest bit of the state. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vd_string_key);
	__type(value, struct vd_string_value);
} vd_binaries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vd_pid_set_key);
	__type(value, __u64);
} vd_pid_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vd_process_policy);
} vd_process_policy SEC(".maps");

#define VD_STATE_BINARY 1
#define VD_STATE_BINARY_END 2

static __always_inline void vd_send(void *record, __u32 size)
{
	if (bpf_ringbuf_output(&vd_ring_bulk, record, size, 0))
		vd_count(VD_COUNT_LOST_BULK);
}

static __always_inline __u64 vd_pid_sets_of(__u32 pid, __u16 generation, __u16 is_namespace)
{
	struct vd_pid_set_key key = { .pid = pid,
				      .generation = generation,
				      .is_namespace = is_namespace };
	__u64 *sets = bpf_map_lookup_elem(&vd_pid_sets, &key);

	return sets ? *sets : 0;
}

/* Adds the process sets that the process's own ids are in. */
static __always_inline void vd_join_by_pid(struct vd_process *p)
{
	__u32 zero = 0, g;
	struct vd_process_policy *policy = bpf_map_lookup_elem(&vd_process_policy, &zero);

	if (!policy)
		return;
	for (g = 0; g < 2; g++) {
		if (!policy->pid_sets[g])
			continue;
		p->sets[g] |= vd_pid_sets_of(p->pid, g, 0);
		if (p->nspid)
			p->sets[g] |= vd_pid_sets_of(p->nspid, g, 1);
	}
}

/* A function of its own, so that the verifier follows what comes after it once. */
static __noinline void vd_note_privileges(struct vd_process *p, struct task_struct *task)
{
	vd_task_privileges(task, p->ns, p->caps);
}

/* Classifies the binary whose resolved path is in the scratch's string. */
static __noinline void vd_classify(struct vd_process *p, struct vd_process_scratch *s, bool partly)
{
	__u32 zero = 0, g;
	struct vd_process_policy *policy = bpf_map_lookup_elem(&vd_process_policy, &zero);

	if (!policy)
		return;
	for (g = 0; g < 2; g++) {
		struct vd_string_value *v;

		p->binary[g] = 0;
		p->binary_end[g] = 0;
		if (!policy->binaries[g])
			continue;
		/* A path that could not be read whole satisfies no filter on its beginning. */
		p->binary[g] = VD_CLASS_UNKNOWN;
		if (!partly)
			v = vd_look_up(&vd_binaries, &s->key, &s->string,
				       VD_STATE_BINARY | g << 31, false);
		else
			v = 0;
		if (v) {
			p->binary[g] = v->vector;
			p->sets[g] |= v->sets;
		}
		p->binary_end[g] = VD_CLASS_UNKNOWN;
		if (partly && s->string.start == s->string.end)
			continue;
		v = vd_look_up_reversed(&vd_binaries, &s->key, &s->string,
					VD_STATE_BINARY_END | g << 31);
		if (v)
			p->binary_end[g] = v->vector;
	}
}

/* ---- fork ----------------------------------------------------------------- */

SEC("tp_btf/sched_process_fork")
int BPF_PROG(vd_fork, struct task_struct *parent, struct task_struct *child)
{
	struct vd_process p = {};
	struct vd_process *from;
	struct vd_fork r = {};
	__u32 pid = child->tgid;
	__u32 parent_pid = parent->tgid;

	if (pid != (__u32)child->pid)
		return 0; /* a thread */
	p.start = p.born = child->start_boottime;
	p.pid = pid;
	p.parent_pid = parent_pid;
	p.flags = vd_task_flags(child, &p.nspid) | VD_PROCESS_CLONE;
	from = bpf_map_lookup_elem(&vd_processes, &parent_pid);
	if (from) {
		p.parent_start = from->start;
		p.sets[0] = from->sets[0];
		p.sets[1] = from->sets[1];
		p.binary[0] = from->binary[0];
		p.binary[1] = from->binary[1];
		p.binary_end[0] = from->binary_end[0];
		p.binary_end[1] = from->binary_end[1];
		if ((p.flags & VD_PROCESS_IN_PIDNS) && (from->flags & VD_PROCESS_IN_INIT_TREE))
			p.flags |= VD_PROCESS_IN_INIT_TREE;
	} else {
		p.parent_start = parent->group_leader->start_boottime;
		vd_count(VD_COUNT_PROCESS_UNKNOWN);
	}
	vd_come_from(&p, from);
	vd_task_privileges(child, p.ns, p.caps);
	vd_join_by_pid(&p);
	if (bpf_map_update_elem(&vd_processes, &pid, &p, BPF_ANY))
		vd_count(VD_COUNT_PROCESS_MAP_FULL);

	r.process.pid = pid;
	r.process.start = p.start;
	r.parent.pid = parent_pid;
	r.parent.start = p.parent_start;
	r.nspid = p.nspid;
	r.flags = p.flags;
	vd_header_init(&r.header, VD_RECORD_FORK, 0, sizeof(r), bpf_ktime_get_boot_ns());
	vd_send(&r, sizeof(r));
	return 0;
}

/* ---- exec ----------------------------------------------------------------- */

/*
 * Appends s->string to the record and returns the new end of the record, or
 * the old one if it does not fit.
 */
static __always_inline __u32 vd_append_string(struct vd_process_scratch *s, __u32 at, __u16 *len)
{
	__u32 n = s->string.end - s->string.start;
	__u32 from = s->string.start;

	*len = 0;
	if (n > VD_MAX_STRING || at > VD_RECORD_MAX - 2 * VD_MAX_STRING || from >= VD_MAX_STRING)
		return at;
	/* Reads to the end of the buffer at most: from + n <= end. */
	if (bpf_probe_read_kernel(&s->record[at], n & (2 * VD_MAX_STRING - 1),
				  &s->string.bytes[from]))
		return at;
	*len = n;
	return at + n;
}

static __always_inline __u32 vd_append_text(struct vd_process_scratch *s, __u32 at,
					    const char *text, __u16 *len, bool *failed)
{
	long n;

	*len = 0;
	if (at > VD_RECORD_MAX - 2 * VD_MAX_STRING)
		return at;
	n = bpf_probe_read_kernel_str(&s->record[at], VD_MAX_STRING, text);
	if (n <= 0 || n > VD_MAX_STRING) {
		*failed = true;
		return at;
	}
	*len = n - 1;
	return at + *len;
}

/* Writes the cgroup's path in its hierarchy to the scratch's string. */
static __always_inline bool vd_cgroup_path(struct kernfs_node *kn, struct vd_process_scratch *sc)
{
	struct vd_string *s = &sc->string;
	__u32 i;

	s->start = s->end = VD_MAX_STRING - 1;
	s->bytes[VD_MAX_STRING - 1] = 0;
	for (i = 0; i < VD_CGROUP_DEPTH; i++) {
		struct kernfs_node *up = vd_kernfs_parent(kn);
		long n;

		if (!up)
			return true;
		n = bpf_probe_read_kernel_str(sc->name, sizeof(sc->name), kn->name);
		if (n <= 1 || !vd_prepend(s, (const unsigned char *)sc->name, n - 1))
			return false;
		kn = up;
	}
	return false;
}

/*
 * Sends the argument area in chunks, all but what fits in the exec record.
 * The chunks are reserved in the ring at full size, so that nothing is
 * copied twice.
 */
static __always_inline __u32 vd_send_args(struct vd_process_id *id, unsigned long from,
					  __u32 total)
{
	__u32 sent = 0;
	__u32 i;

	for (i = 0; i < VD_ARGS_CHUNKS; i++) {
		struct vd_exec_data *d;
		__u32 n = total - sent;

		if (sent >= total || n <= VD_ARGS_INLINE)
			break;
		if (n > VD_ARGS_CHUNK)
			n = VD_ARGS_CHUNK;
		d = bpf_ringbuf_reserve(&vd_ring_bulk, sizeof(*d) + VD_ARGS_CHUNK, 0);
		if (!d) {
			vd_count(VD_COUNT_EXEC_DATA_LOST);
			break;
		}
		vd_header_init(&d->header, VD_RECORD_EXEC_DATA, 0, sizeof(*d) + VD_ARGS_CHUNK,
			       bpf_ktime_get_boot_ns());
		d->process = *id;
		d->offset = sent;
		d->len = n;
		if (bpf_probe_read_user((void *)(d + 1), n, (void *)(from + sent))) {
			d->len = 0;
			bpf_ringbuf_submit(d, 0);
			break;
		}
		bpf_ringbuf_submit(d, 0);
		sent += n;
	}
	return sent;
}

static __always_inline __u32 vd_append_args(struct vd_process_scratch *s, struct vd_exec *r,
					    struct task_struct *task, __u32 at)
{
	unsigned long start = task->mm->arg_start;
	unsigned long end = task->mm->arg_end;
	__u32 total = end - start;
	__u32 sent = 0, n;

	r->args_total = total;
	if (total > VD_ARGS_INLINE) {
		sent = vd_send_args(&r->process, start, total);
		r->flags |= VD_EXEC_ARGS_DATA;
	}
	n = total - sent;
	if (n > VD_ARGS_INLINE) {
		n = VD_ARGS_INLINE;
		r->flags |= VD_EXEC_ARGS_TRUNCATED;
	}
	r->args_offset = sent;
	if (at > VD_RECORD_MAX - VD_ARGS_INLINE) {
		r->flags |= VD_EXEC_ARGS_TRUNCATED;
		return at;
	}
	if (n && bpf_probe_read_user(&s->record[at], n, (void *)(start + sent))) {
		r->flags |= VD_EXEC_ARGS_FAILED;
		return at;
	}
	r->args_len = n;
	return at + n;
}

/*
 * The path of a place, seen from a root, in the scratch's string. On their
 * way through the scratch the pointers lose their types, so that the
 * verifier sees the walk's turns as one.
 */
static __always_inline __u32 vd_path_from_root(struct vd_process_scratch *s, struct fs_struct *fs,
					       struct vfsmount *mnt, struct dentry *dentry)
{
	if (!dentry)
		return VD_VALUE_FAILED;
	s->path[0] = (__u64)mnt;
	s->path[1] = (__u64)dentry;
	s->root[0] = s->root[1] = 0;
	if (fs) {
		s->root[0] = (__u64)fs->root.mnt;
		s->root[1] = (__u64)fs->root.dentry;
	}
	return vd_walk((void *)s->path, (void *)s->root, &s->string);
}

/* What the new credentials owe to the file's mode and capabilities. */
static __always_inline void vd_file_privileges(struct vd_exec *r, struct inode *inode)
{
	struct vd_cred *c = &r->cred;

	if ((r->mode & 04000) && c->euid == inode->i_uid.val && c->euid != c->uid)
		r->flags |= VD_EXEC_SETUID;
	if ((r->mode & 02010) == 02010 && c->egid == inode->i_gid.val &&
	    c->egid != c->gid)
		r->flags |= VD_EXEC_SETGID;
	if (!(r->flags & VD_EXEC_SETUID) && c->euid == c->uid && c->euid && c->cap_permitted)
		r->flags |= VD_EXEC_CAPS_RAISED;
}

/* What an exec and an older process have in common. */
static __noinline __u32 vd_describe(struct vd_process_scratch *s, struct vd_exec *r,
					 struct task_struct *task, __u32 at)
{
	struct file *exe = task->mm->exe_file;
	struct fs_struct *fs = task->fs;
	struct kernfs_node *kn = vd_cgroup_of(task)->kn;
	__u32 status = VD_VALUE_FAILED;

	vd_task_credentials(task, &r->cred);
	__builtin_memcpy(r->ns, s->process.ns, sizeof(r->ns));
	r->auid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : -1;
	if (exe) {
		struct inode *inode = exe->f_inode;

		r->ino = inode->i_ino;
		r->nlink = inode->i_nlink;
		r->mode = inode->i_mode;
		vd_file_privileges(r, inode);
	}
	r->cgroup_id = kn->id;

	s->string.start = s->string.end = VD_MAX_STRING - 1;
	if (fs)
		status = vd_path_from_root(s, fs, fs->pwd.mnt, fs->pwd.dentry);
	if (status & VD_VALUE_FAILED)
		r->flags |= VD_EXEC_CWD_FAILED;
	if (status & VD_VALUE_UNRESOLVED)
		r->flags |= VD_EXEC_CWD_TRUNCATED;
	if (!status && s->string.end - s->string.start == 1)
		r->flags |= VD_EXEC_CWD_ROOT;
	/* exe stands before cwd, and cgroup behind: the caller has put exe there. */
	at = vd_append_string(s, at, &r->cwd_len);
	if (!vd_cgroup_path(kn, s))
		r->flags |= VD_EXEC_CGROUP_TRUNCATED;
	return vd_append_string(s, at, &r->cgroup_len);
}

/* Puts the binary's path into the scratch's string and behind the record. */
static __noinline __u32 vd_append_exe(struct vd_process_scratch *s, struct vd_exec *r,
					   struct task_struct *task, __u32 at)
{
	struct file *exe = task->mm->exe_file;
	__u32 status = VD_VALUE_FAILED;

	s->string.start = s->string.end = VD_MAX_STRING - 1;
	if (exe)
		status = vd_path_from_root(s, task->fs, exe->f_path.mnt, exe->f_path.dentry);
	if (status)
		r->flags |= VD_EXEC_EXE_TRUNCATED;
	return vd_append_string(s, at, &r->exe_len);
}

/*
 * Copies what is known of a process to the scratch, or makes it up from the
 * kernel's structures; returns whether it was known. The rest of the program
 * then works on one kind of pointer, which the verifier follows once.
 */
static __noinline bool vd_recall(struct vd_process *p, struct task_struct *task, __u32 pid)
{
	struct vd_process *known = bpf_map_lookup_elem(&vd_processes, &pid);
	struct task_struct *parent = task->real_parent->group_leader;
	struct vd_process *above;

	if (known) {
		*p = *known;
		return true;
	}
	__builtin_memset(p, 0, sizeof(*p));
	p->pid = pid;
	p->start = p->born = task->group_leader->start_boottime;
	p->flags = vd_task_flags(task, &p->nspid);
	p->parent_pid = parent->tgid;
	p->parent_start = parent->start_boottime;
	above = bpf_map_lookup_elem(&vd_processes, &p->parent_pid);
	if (above)
		p->parent_start = above->start;
	vd_come_from(p, above);
	vd_note_privileges(p, task);
	return false;
}

/* Makes the process the new image of itself, and tells who its parent is. */
static __always_inline void vd_become(struct vd_process *p, struct vd_exec *r, __u64 now)
{
	if (p->flags & VD_PROCESS_CLONE) {
		r->flags |= VD_EXEC_CLONE;
	} else {
		p->parent_pid = p->pid;
		p->parent_start = p->start;
		vd_come_from(p, p);
	}
	r->parent.pid = p->parent_pid;
	r->parent.start = p->parent_start;
	r->process.pid = p->pid;
	r->process.start = now;
	p->start = now;
	p->flags &= ~(VD_PROCESS_CLONE | VD_PROCESS_OLD | VD_PROCESS_IN_USERNS);
}

static __always_inline void vd_exec_record(struct vd_process_scratch *s, struct task_struct *task,
					   struct linux_binprm *bprm)
{
	struct vd_exec *r = (void *)s->record;
	struct vd_process *p = &s->process;
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 pid = task->tgid;
	__u32 at = sizeof(*r);
	bool failed = false;

	__builtin_memset(r, 0, sizeof(*r));
	if (!vd_recall(p, task, pid)) {
		vd_count(VD_COUNT_PROCESS_UNKNOWN);
		r->flags |= VD_EXEC_PARENT_MISSING;
		p->flags |= VD_PROCESS_CLONE;
		vd_join_by_pid(p);
	}
	vd_become(p, r, now);
	vd_note_privileges(p, task);
	if (task->real_cred->user_ns->level > 0)
		p->flags |= VD_PROCESS_IN_USERNS;
	r->nspid = p->nspid;
	r->process_flags = p->flags;

	at = vd_append_text(s, at, bprm->filename, &r->filename_len, &failed);
	if (failed)
		r->flags |= VD_EXEC_FILENAME_FAILED;
	at = vd_append_exe(s, r, task, at);
	vd_classify(p, s, r->flags & VD_EXEC_EXE_TRUNCATED);
	if (bpf_map_update_elem(&vd_processes, &pid, p, BPF_ANY))
		vd_count(VD_COUNT_PROCESS_MAP_FULL);
	at = vd_describe(s, r, task, at);
	at = vd_append_args(s, r, task, at);
	if (at > VD_RECORD_MAX)
		return;
	vd_header_init(&r->header, VD_RECORD_EXEC, 0, at, now);
	vd_send(r, at);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(vd_exec, struct task_struct *task, __s32 old_pid, struct linux_binprm *bprm)
{
	struct vd_process_scratch *s = vd_claim(&vd_process_scratch, VD_PROCESS_SCRATCH_LEVELS);

	if (!s)
		return 0;
	vd_exec_record(s, task, bprm);
	vd_release(s);
	return 0;
}

/* ---- exit ----------------------------------------------------------------- */

SEC("tp_btf/sched_process_exit")
int BPF_PROG(vd_exit, struct task_struct *task)
{
	__u32 pid = task->tgid;
	__u32 thread = task->pid;
	__u64 waiting = (__u64)task;
	struct signal_struct *signal = task->signal;
	struct vd_process *p;
	struct vd_exit r = {};

	bpf_map_delete_elem(&vd_pending, &waiting);
	bpf_map_delete_elem(&vd_verdicts, &thread);
	/* do_exit counts live down before this tracepoint: 0 is the last thread. */
	if (signal->live.counter)
		return 0;
	p = bpf_map_lookup_elem(&vd_processes, &pid);
	if (!p)
		return 0;
	r.process.pid = pid;
	r.process.start = p->start;
	r.flags = p->flags;
	r.tid = thread;
	/* Two last threads can both see 0: the one that deletes reports. A delete can fail otherwise. */
	if (bpf_map_delete_elem(&vd_processes, &pid) == -VD_ENOENT)
		return 0;
	if (signal->flags & VD_SIGNAL_GROUP_EXIT)
		r.code = signal->group_exit_code;
	else
		r.code = task->group_leader->exit_code;
	vd_header_init(&r.header, VD_RECORD_EXIT, 0, sizeof(r), bpf_ktime_get_boot_ns());
	vd_send(&r, sizeof(r));
	return 0;
}

/* ---- processes older than the agent, and new classes for all -------------- */

/*
 * Membership in process sets, and in the tree of a pid namespace's init, as
 * far as a process has it from its parent. The parent must have been seen by
 * the iterator before, which goes by ascending pid: where pids have wrapped
 * around, further passes complete it.
 */
static __noinline void vd_inherit(struct vd_process *p, bool known,
				       struct task_struct *task)
{
	__u32 zero = 0, pid = task->real_parent->group_leader->tgid;
	struct vd_process_policy *policy = bpf_map_lookup_elem(&vd_process_policy, &zero);
	struct vd_process *from = 0;

	vd_join_by_pid(p);
	vd_return_to_origin(p);
	if (known) {
		from = bpf_map_lookup_elem(&vd_processes, &p->parent_pid);
		if (from && from->start != p->parent_start)
			from = 0;
		/* The previous image of the same process passes nothing on. */
		if (p->parent_pid == p->pid)
			from = 0;
	}
	if (!from)
		from = bpf_map_lookup_elem(&vd_processes, &pid);
	/*
	 * An orphan's parent is the init of its pid namespace whoever forked
	 * it. For processes seen since their fork the flag tells whether they
	 * are of its tree, for others the kernel's word is all there is.
	 */
	if (from && !known && (p->flags & VD_PROCESS_IN_PIDNS) &&
	    (from->flags & VD_PROCESS_IN_INIT_TREE))
		p->flags |= VD_PROCESS_IN_INIT_TREE;
	if (from && policy) {
		__u64 not_theirs[2] = {};

		if (!(p->flags & VD_PROCESS_IN_INIT_TREE)) {
			not_theirs[0] = policy->init_sets[0];
			not_theirs[1] = policy->init_sets[1];
		}
		p->sets[0] |= from->sets[0] & ~not_theirs[0];
		p->sets[1] |= from->sets[1] & ~not_theirs[1];
	}
	if (policy && (p->flags & VD_PROCESS_IN_INIT_TREE)) {
		p->sets[0] |= policy->init_sets[0];
		p->sets[1] |= policy->init_sets[1];
	}
}

/*
 * Gives a known process the classes of a generation that is about to act. An
 * exec in the meantime has classified the process itself.
 */
static __always_inline void vd_reclassify(struct vd_process *p)
{
	__u32 zero = 0;
	struct vd_process_policy *policy = bpf_map_lookup_elem(&vd_process_policy, &zero);
	struct vd_process *known = bpf_map_lookup_elem(&vd_processes, &p->pid);

	if (!policy || !known || known->start != p->start)
		return;
	if (policy->reclassify == 0) {
		known->sets[0] = p->sets[0];
		known->binary[0] = p->binary[0];
		known->binary_end[0] = p->binary_end[0];
		known->parent_sets[0] = p->parent_sets[0];
		known->parent_binary[0] = p->parent_binary[0];
		known->parent_binary_end[0] = p->parent_binary_end[0];
	} else if (policy->reclassify == 1) {
		known->sets[1] = p->sets[1];
		known->binary[1] = p->binary[1];
		known->binary_end[1] = p->binary_end[1];
		known->parent_sets[1] = p->parent_sets[1];
		known->parent_binary[1] = p->parent_binary[1];
		known->parent_binary_end[1] = p->parent_binary_end[1];
	}
}

/*
 * Keeps a known process in the sets that both generations have: what it
 * descends from, or has executed before, may be gone by now. All else is
 * joined anew.
 */
static __noinline void vd_carry(struct vd_process *p)
{
	__u32 zero = 0, i;
	struct vd_process_policy *policy = bpf_map_lookup_elem(&vd_process_policy, &zero);
	__u64 old = 0, kept = 0, parent_old = 0, parent_kept = 0;

	if (policy && policy->reclassify < 2) {
		old = policy->reclassify ? p->sets[0] : p->sets[1];
		parent_old = policy->reclassify ? p->parent_sets[0] : p->parent_sets[1];
	}
	p->sets[0] = p->sets[1] = 0;
	p->parent_sets[0] = p->parent_sets[1] = 0;
	if (!policy)
		return;
	for (i = 0; i < VD_MAX_SETS; i++) {
		if (old >> i & 1)
			kept |= policy->carry[i];
		if (parent_old >> i & 1)
			parent_kept |= policy->carry[i];
	}
	if (policy->reclassify == 0) {
		p->sets[0] = kept;
		p->parent_sets[0] = parent_kept;
	} else if (policy->reclassify == 1) {
		p->sets[1] = kept;
		p->parent_sets[1] = parent_kept;
	}
}

static __always_inline void vd_task_record(struct bpf_iter__task *ctx,
					   struct vd_process_scratch *s, struct task_struct *task)
{
	struct vd_exec *r = (void *)s->record;
	struct vd_process *p = &s->process;
	__u32 pid = task->tgid;
	__u32 at = sizeof(*r);
	bool failed = false;

	__builtin_memset(r, 0, sizeof(*r));
	s->known = vd_recall(p, task, pid);
	if (s->known)
		vd_carry(p);
	else
		p->flags |= VD_PROCESS_OLD;
	vd_inherit(p, s->known, task);
	if (p->flags & VD_PROCESS_KTHREAD) {
		r->flags |= VD_EXEC_KTHREAD;
		at = vd_append_text(s, at, task->comm, &r->filename_len, &failed);
		s->string.start = s->string.end = VD_MAX_STRING - 1;
		s->string.bytes[VD_MAX_STRING - 1] = 0;
	} else {
		at = vd_append_exe(s, r, task, at);
	}
	vd_classify(p, s, r->flags & VD_EXEC_EXE_TRUNCATED);
	if (s->known) {
		vd_reclassify(p);
		return;
	}
	if (bpf_map_update_elem(&vd_processes, &pid, p, BPF_NOEXIST))
		return; /* seen by fork or exec in the meantime, or full */
	r->process.pid = pid;
	r->process.start = p->start;
	r->parent.pid = p->parent_pid;
	r->parent.start = p->parent_start;
	r->process_flags = p->flags;
	r->nspid = p->nspid;
	at = vd_describe(s, r, task, at);
	if (at > VD_RECORD_MAX)
		return;
	r->header.size = at;
	r->header.type = VD_RECORD_TASK;
	r->header.time = p->start;
	bpf_seq_write(ctx->meta->seq, r, at);
}

/*
 * One thread of each process that runs: the first, or where that has ended
 * before the others, and has no memory any more, any other. What waits to be
 * reaped runs no more.
 */
static __always_inline bool vd_stands_for_process(struct task_struct *task)
{
	if (!task->signal->live.counter)
		return false;
	if (task->flags & VD_PF_KTHREAD)
		return true;
	if (task->pid == task->tgid)
		return task->mm;
	return task->mm && !task->group_leader->mm;
}

SEC("iter/task")
int vd_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct vd_process_scratch *s;
	__u32 pid, zero = 0;

	if (!task || !vd_stands_for_process(task))
		return 0;
	/* Who reads the iterator is the agent, whatever its pid namespace calls it. */
	pid = bpf_get_current_pid_tgid() >> 32;
	bpf_map_update_elem(&vd_agent, &zero, &pid, BPF_ANY);
	s = vd_claim(&vd_process_scratch, VD_PROCESS_SCRATCH_LEVELS);
	if (!s)
		return 0;
	vd_task_record(ctx, s, task);
	vd_release(s);
	return 0;
}

/* ---- cgroups of containers -------------------------------------------------- */

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(vd_cgroup_made, struct cgroup *cgroup)
{
	struct vd_process_scratch *s = vd_claim(&vd_process_scratch, VD_PROCESS_SCRATCH_LEVELS);

	if (!s)
		return 0;
	vd_note_cgroup(cgroup, s->name);
	vd_release(s);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(vd_cgroup_removed, struct cgroup *cgroup)
{
	vd_forget_cgroup(cgroup);
	return 0;
}
