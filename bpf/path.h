/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Paths, walked from a dentry and its mount up to a root, as the kernel's
 * prepend_path (fs/d_path.c) does, without its locks: a rename at the very
 * moment can give a path that never was whole.
 */
#ifndef VEDETTE_PATH_H
#define VEDETTE_PATH_H

#include "maps.h"

#ifndef VD_PATH_COMPONENTS
#ifndef VD_PATH_COMPONENTS
#define VD_PATH_COMPONENTS 128
#endif
#endif
#define VD_NAME_MAX 255

#define VD_PIPEFS_MAGIC 0x50495045
#define VD_SOCKFS_MAGIC 0x534F434B
#define VD_ANON_INODE_MAGIC 0x09041934

/*
 * A string that may be built from its end. It stands at bytes[start] and
 * ends before bytes[end], where a NUL byte stands. There is room behind end,
 * so that reads and writes of bounded length need no exact check.
 */
struct vd_string {
	__u32 start;
	__u32 end;
	char bytes[VD_MAX_STRING + 256];
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

static __always_inline struct mount *vd_real_mount(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Pipes, sockets and the like are in file systems that nobody can mount. */
static __always_inline bool vd_has_no_path(struct dentry *dentry)
{
	unsigned long magic = BPF_CORE_READ(dentry, d_inode, i_sb, s_magic);

	return magic == VD_PIPEFS_MAGIC || magic == VD_SOCKFS_MAGIC || magic == VD_ANON_INODE_MAGIC;
}

/*
 * Writes the path at the end of s; returns VD_VALUE_… bits. A mount that the
 * path crosses takes a turn as a component does.
 */
static __noinline __u32 vd_walk(struct path *path, struct path *root, struct vd_string *s)
{
	struct vfsmount *vfsmnt = path->mnt;
	struct dentry *dentry = path->dentry;
	struct mount *mnt = vd_real_mount(vfsmnt);
	struct dentry *mnt_root = BPF_CORE_READ(vfsmnt, mnt_root);
	bool alone, nameless;
	struct qstr name;
	__u32 i;

	s->start = s->end = VD_MAX_STRING - 1;
	s->bytes[VD_MAX_STRING - 1] = 0;
	alone = dentry == BPF_CORE_READ(dentry, d_parent);
	if (alone && vd_has_no_path(dentry))
		return VD_VALUE_NO_PATH;
	/* A file that never had a place, such as a memfd: it has a name all the same. */
	nameless = alone && dentry != mnt_root;
	if (nameless || (!alone && !BPF_CORE_READ(dentry, d_hash.pprev))) {
		s->start -= VD_DELETED_LEN;
		__builtin_memcpy(&s->bytes[VD_MAX_STRING - 1 - VD_DELETED_LEN], VD_DELETED,
				 VD_DELETED_LEN);
	}
	if (nameless) {
		if (bpf_core_read(&name, sizeof(name), &dentry->d_name) ||
		    !vd_prepend(s, name.name, name.len))
			return VD_VALUE_FAILED;
		return 0;
	}
	/* One turn more than components: it finds the root. */
	for (i = 0; i <= VD_PATH_COMPONENTS; i++) {
		struct dentry *parent;

		if (dentry == root->dentry && vfsmnt == root->mnt)
			break;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == parent || dentry == mnt_root) {
			struct mount *up = BPF_CORE_READ(mnt, mnt_parent);

			if (mnt == up)
				break;
			dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
			mnt = up;
			vfsmnt = (void *)mnt + bpf_core_field_offset(struct mount, mnt);
			mnt_root = BPF_CORE_READ(vfsmnt, mnt_root);
			continue;
		}
		if (bpf_core_read(&name, sizeof(name), &dentry->d_name))
			return VD_VALUE_FAILED;
		if (!vd_prepend(s, name.name, name.len))
			return VD_VALUE_UNRESOLVED;
		dentry = parent;
	}
	if (i > VD_PATH_COMPONENTS)
		return VD_VALUE_UNRESOLVED;
	if (s->start == s->end) {
		s->start = VD_MAX_STRING - 2;
		s->bytes[VD_MAX_STRING - 2] = '/';
	}
	return 0;
}

/* The path of a struct path in kernel memory, seen from the task's root. */
static __always_inline __u32 vd_path_of(struct task_struct *task, struct path *where,
					struct vd_string *s)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct path path = {}, root = {};

	s->start = s->end = VD_MAX_STRING - 1;
	if (bpf_core_read(&path, sizeof(path), where) || !path.dentry)
		return VD_VALUE_FAILED;
	/* A task that is exiting has no root any more: walk to the global one. */
	if (fs)
		bpf_core_read(&root, sizeof(root), &fs->root);
	return vd_walk(&path, &root, s);
}

static __always_inline __u32 vd_file_path(struct task_struct *task, struct file *file,
					  struct vd_string *s)
{
	return vd_path_of(task, &file->f_path, s);
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
