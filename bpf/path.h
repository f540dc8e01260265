/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Paths, walked from a dentry and its mount up to a root, as the kernel's
 * prepend_path (fs/d_path.c) does, without its locks: a rename at the very
 * moment can give a path that never was whole.
 */
#ifndef VEDETTE_PATH_H
#define VEDETTE_PATH_H

#include "maps.h"

#define VD_PATH_COMPONENTS 128
/* Mounts that a path of so many components can cross besides. */
#define VD_PATH_MOUNTS 8
/* One turn more than components and mounts: it finds the root. */
#define VD_PATH_TURNS (VD_PATH_COMPONENTS + VD_PATH_MOUNTS + 1)
/* Turns of which each has its own instructions for the verifier. */
#define VD_PATH_NEAR 12
#define VD_NAME_MAX 255

#define VD_PIPEFS_MAGIC 0x50495045
#define VD_SOCKFS_MAGIC 0x534F434B
#define VD_ANON_INODE_MAGIC 0x09041934

/* What the walk needs of a dentry, in the kernel's order. */
struct vd_dentry {
	struct hlist_bl_node **pprev; /* NULL where the file was removed */
	struct dentry *parent;
	__u32 hash, len;
	const unsigned char *name;
};

/* What the walk needs of a mount, in the kernel's order. */
struct vd_mount {
	struct mount *parent;
	struct dentry *mountpoint;
	struct dentry *root;
};

/* A struct path of our own, which can be in registers. */
struct vd_place {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

/* A walk that is still not at the root after its first turns. */
struct vd_climb {
	struct vd_place at;
	struct path root;
	struct vd_mount m;
	struct vd_dentry d;
};

/*
 * A string that may be built from its end. It stands at bytes[start] and
 * ends before bytes[end], where a NUL byte stands. There is room behind end,
 * so that reads and writes of bounded length need no exact check.
 */
struct vd_string {
	__u32 start;
	__u32 end;
	char bytes[VD_MAX_STRING + 256];
	__u64 climb[sizeof(struct vd_climb) / 8]; /* of a path: the stack has no room for it */
};

#define VD_DELETED " (deleted)"
#define VD_DELETED_LEN 10

static __always_inline bool vd_prepend(struct vd_string *s, const unsigned char *name, __u32 len)
{
	__u32 at = s->start;

	if (len > VD_NAME_MAX || at < len + 1)
		return false;
	at -= len + 1;
	vd_bounded(at);
	if (at >= VD_MAX_STRING)
		return false;
	s->bytes[at] = '/';
	if (bpf_probe_read_kernel(&s->bytes[at + 1], len & VD_NAME_MAX, name))
		return false;
	s->start = at;
	return true;
}

/* Reads a dentry, at once on kernels that keep these members side by side, as all do so far. */
static __always_inline bool vd_read_dentry(struct vd_dentry *to, struct dentry *from)
{
	const __u32 at = bpf_core_field_offset(struct dentry, d_hash.pprev);
	struct qstr name;

	if (bpf_core_field_offset(struct dentry, d_parent) == at + 8 &&
	    bpf_core_field_offset(struct dentry, d_name) == at + 16)
		return !bpf_probe_read_kernel(to, sizeof(*to), (void *)from + at);
	if (bpf_core_read(&name, sizeof(name), &from->d_name))
		return false;
	to->pprev = BPF_CORE_READ(from, d_hash.pprev);
	to->parent = BPF_CORE_READ(from, d_parent);
	to->len = name.len;
	to->name = name.name;
	return true;
}

/* Reads the mount that a struct vfsmount is part of. */
static __always_inline bool vd_read_mount(struct vd_mount *to, struct vfsmount *of)
{
	const __u32 at = bpf_core_field_offset(struct mount, mnt_parent);
	const __u32 mnt = bpf_core_field_offset(struct mount, mnt);
	struct mount *from = (void *)of - mnt;

	if (bpf_core_field_offset(struct mount, mnt_mountpoint) == at + 8 &&
	    mnt + bpf_core_field_offset(struct vfsmount, mnt_root) == at + 16)
		return !bpf_probe_read_kernel(to, sizeof(*to), (void *)from + at);
	to->parent = BPF_CORE_READ(from, mnt_parent);
	to->mountpoint = BPF_CORE_READ(from, mnt_mountpoint);
	to->root = BPF_CORE_READ(of, mnt_root);
	return to->root;
}

/* Pipes, sockets and the like are in file systems that nobody can mount. */
static __always_inline bool vd_has_no_path(struct dentry *dentry)
{
	unsigned long magic = BPF_CORE_READ(dentry, d_inode, i_sb, s_magic);

	return magic == VD_PIPEFS_MAGIC || magic == VD_SOCKFS_MAGIC || magic == VD_ANON_INODE_MAGIC;
}

/* What a turn of the walk returns where it has not ended: no status. */
#define VD_TURN_ON (1u << 31)

/*
 * Goes up by one component, which it prepends, or by one mount. d is that of
 * the dentry already where it is known. Returns VD_TURN_ON, or at the root or
 * where it fails the walk's status.
 */
static __always_inline __u32 vd_turn(struct vd_place *at, struct vd_mount *m, struct vd_dentry *d,
				     bool known, const struct path *root, struct vd_string *s)
{
	if (at->dentry == root->dentry && at->mnt == root->mnt)
		return 0;
	if (!known && !vd_read_dentry(d, at->dentry))
		return VD_VALUE_FAILED;
	if (at->dentry == d->parent || at->dentry == m->root) {
		struct vfsmount *up = (void *)m->parent + bpf_core_field_offset(struct mount, mnt);

		if (at->mnt == up)
			return 0;
		at->dentry = m->mountpoint;
		at->mnt = up;
		return vd_read_mount(m, up) ? VD_TURN_ON : VD_VALUE_FAILED;
	}
	if (!vd_prepend(s, d->name, d->len))
		return VD_VALUE_UNRESOLVED;
	at->dentry = d->parent;
	return VD_TURN_ON;
}

/*
 * The turns after the first ones, on kernels with bpf_loop (since 5.17): there
 * the verifier follows all of them as one, and most of what it costs to load a
 * program with paths is that. From older kernels internal/hook keeps the
 * callback away: those before 5.13 do not take it even where nothing calls it.
 */
#define VD_HAS_LOOP bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)

/* What a callback of bpf_loop gets: it must be on the stack. */
struct vd_far {
	struct vd_string *s;
	__u32 status;
};

static long vd_climb_turn(__u64 turn, struct vd_far *far)
{
	struct vd_climb *c = (void *)far->s->climb;

	far->status = vd_turn(&c->at, &c->m, &c->d, false, &c->root, far->s);
	return far->status != VD_TURN_ON;
}

/* Writes the path at the end of s; returns VD_VALUE_… bits. */
static __noinline __u32 vd_walk(struct path *path, struct path *root, struct vd_string *s)
{
	struct vd_place at = { .mnt = path->mnt, .dentry = path->dentry };
	struct vd_dentry d;
	struct vd_mount m;
	__u32 i, status;

	s->start = s->end = VD_MAX_STRING - 1;
	s->bytes[VD_MAX_STRING - 1] = 0;
	if (!vd_read_dentry(&d, at.dentry) || !vd_read_mount(&m, at.mnt))
		return VD_VALUE_FAILED;
	if (at.dentry == d.parent && vd_has_no_path(at.dentry))
		return VD_VALUE_NO_PATH;
	if (at.dentry == d.parent ? at.dentry != m.root : !d.pprev) {
		s->start -= VD_DELETED_LEN;
		__builtin_memcpy(&s->bytes[VD_MAX_STRING - 1 - VD_DELETED_LEN], VD_DELETED,
				 VD_DELETED_LEN);
	}
	/* A file that never had a place, such as a memfd: it has a name all the same. */
	if (at.dentry == d.parent && at.dentry != m.root)
		return vd_prepend(s, d.name, d.len) ? 0 : VD_VALUE_FAILED;
	for (i = 0; i < VD_PATH_NEAR; i++) {
		status = vd_turn(&at, &m, &d, !i, root, s);
		if (status != VD_TURN_ON)
			goto ended;
	}
	if (VD_HAS_LOOP) {
		struct vd_far far = { .s = s, .status = VD_TURN_ON };
		struct vd_climb *c = (void *)s->climb;

		c->at = at;
		c->root = *root;
		c->m = m;
		bpf_loop(VD_PATH_TURNS - VD_PATH_NEAR, vd_climb_turn, &far, 0);
		status = far.status;
	} else {
		for (; i < VD_PATH_TURNS && status == VD_TURN_ON; i++)
			status = vd_turn(&at, &m, &d, false, root, s);
	}
	if (status == VD_TURN_ON)
		return VD_VALUE_UNRESOLVED;
ended:
	if (!status && s->start == s->end) {
		s->start = VD_MAX_STRING - 2;
		s->bytes[VD_MAX_STRING - 2] = '/';
	}
	return status;
}

/*
 * The root directory of the current task. One that is exiting has none any
 * more: then the walk goes to the global one.
 */
static __always_inline void vd_current_root(struct path *root)
{
	struct fs_struct *fs;

	/* Since 5.11 the task can be had typed, and is loaded from directly. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		fs = bpf_get_current_task_btf()->fs;
		root->mnt = fs->root.mnt;
		root->dentry = fs->root.dentry;
		return;
	}
	fs = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), fs);
	if (fs)
		bpf_core_read(root, sizeof(*root), &fs->root);
}

/* The path of a struct path in kernel memory, seen from the current task's root. */
static __always_inline __u32 vd_path_of(struct path *where, struct vd_string *s)
{
	struct path path = {}, root = {};

	s->start = s->end = VD_MAX_STRING - 1;
	if (bpf_core_read(&path, sizeof(path), where) || !path.dentry)
		return VD_VALUE_FAILED;
	vd_current_root(&root);
	return vd_walk(&path, &root, s);
}

/* The open file of a descriptor of the task, or NULL. */
static __always_inline struct file *vd_file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **table, *file = 0;

	if (!fdt || fd >= BPF_CORE_READ(fdt, max_fds))
		return 0;
	table = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &table[fd]);
	return file;
}

#endif
