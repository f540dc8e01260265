/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Arguments that are objects of the kernel. What events show of one is put
 * into its slot as a structure of vedette.h; an object that is one number is
 * the slot's number, and a file or a directory entry is a path.
 */
#ifndef VEDETTE_VALUE_H
#define VEDETTE_VALUE_H

/* Makes a structure the content of a slot. */
#define vd_content(slot, type)                                                       \
	({                                                                           \
		type *content = (void *)(slot)->s.bytes;                             \
		__builtin_memset(content, 0, sizeof(*content));                      \
		(slot)->s.end = sizeof(*content);                                    \
		content;                                                             \
	})

/* Whether values of a type have no content in a record. */
static __always_inline bool vd_is_bare(__u8 type)
{
	switch (type) {
	case VD_TYPE_SYSCALL64:
	case VD_TYPE_NOP:
	case VD_TYPE_CAPABILITY:
	case VD_TYPE_KERNEL_CAP:
	case VD_TYPE_CAP_INHERITABLE:
	case VD_TYPE_CAP_PERMITTED:
	case VD_TYPE_CAP_EFFECTIVE:
	case VD_TYPE_BPF_CMD:
		return true;
	}
	return type < VD_TYPE_STRING;
}

static __always_inline void vd_fetch_cred(struct vd_slot *slot, struct cred *c)
{
	struct vd_cred_value *v = vd_content(slot, struct vd_cred_value);
	struct user_namespace *ns = 0;

	if (bpf_core_read(&ns, sizeof(ns), &c->user_ns)) {
		vd_fail(slot);
		return;
	}
	v->cred.uid = BPF_CORE_READ(c, uid.val);
	v->cred.gid = BPF_CORE_READ(c, gid.val);
	v->cred.euid = BPF_CORE_READ(c, euid.val);
	v->cred.egid = BPF_CORE_READ(c, egid.val);
	v->cred.suid = BPF_CORE_READ(c, suid.val);
	v->cred.sgid = BPF_CORE_READ(c, sgid.val);
	v->cred.fsuid = BPF_CORE_READ(c, fsuid.val);
	v->cred.fsgid = BPF_CORE_READ(c, fsgid.val);
	v->cred.securebits = BPF_CORE_READ(c, securebits);
	v->cred.cap_permitted = vd_capability(&c->cap_permitted);
	v->cred.cap_effective = vd_capability(&c->cap_effective);
	v->cred.cap_inheritable = vd_capability(&c->cap_inheritable);
	v->cred.userns_level = BPF_CORE_READ(ns, level);
	v->cred.userns_owner = BPF_CORE_READ(ns, owner.val);
	v->cred.userns_group = BPF_CORE_READ(ns, group.val);
	v->userns = BPF_CORE_READ(ns, ns.inum);
}

static __always_inline void vd_fetch_user_ns(struct vd_slot *slot, struct user_namespace *ns)
{
	struct vd_user_ns_value *v = vd_content(slot, struct vd_user_ns_value);
	int level = 0;

	if (bpf_core_read(&level, sizeof(level), &ns->level)) {
		vd_fail(slot);
		return;
	}
	v->level = level;
	v->uid = BPF_CORE_READ(ns, owner.val);
	v->gid = BPF_CORE_READ(ns, group.val);
	v->inum = BPF_CORE_READ(ns, ns.inum);
}

/* A set of capabilities: the kernel passes its address. */
static __always_inline void vd_fetch_caps(struct vd_slot *slot, __u64 addr)
{
	__u64 caps = 0;

	if (bpf_probe_read_kernel(&caps, sizeof(caps), (void *)addr))
		vd_fail(slot);
	slot->num = caps;
}

static __always_inline void vd_fetch_module(struct vd_slot *slot, struct module *mod)
{
	struct vd_module_value *v = vd_content(slot, struct vd_module_value);

	if (bpf_probe_read_kernel_str(v->name, sizeof(v->name), &mod->name) < 0) {
		vd_fail(slot);
		return;
	}
	v->taints = BPF_CORE_READ(mod, taints);
}

/* A module while it is loaded: until its sections are laid out it has no struct module. */
static __always_inline void vd_fetch_load_info(struct vd_slot *slot, struct load_info *info)
{
	struct vd_module_value *v = vd_content(slot, struct vd_module_value);
	struct module *mod = BPF_CORE_READ(info, mod);
	const char *name = 0;

	if (bpf_core_read(&name, sizeof(name), &info->name)) {
		vd_fail(slot);
		return;
	}
	bpf_probe_read_kernel_str(v->name, sizeof(v->name), name);
	v->taints = mod ? BPF_CORE_READ(mod, taints) : 0;
	if (bpf_core_field_exists(info->sig_ok)) {
		v->sig_ok = BPF_CORE_READ(info, sig_ok);
		v->has_sig_ok = 1;
	}
}

/* How much of a union bpf_attr says what program is loaded (include/uapi/linux/bpf.h). */
struct vd_prog_load {
	__u32 prog_type, insn_cnt;
	__u64 insns, license;
	__u32 log_level, log_size;
	__u64 log_buf;
	__u32 kern_version, prog_flags;
	char prog_name[VD_BPF_NAME];
};

/* A process may pass less than all of a union bpf_attr: then nothing may be behind it. */
static __always_inline void vd_fetch_bpf_attr(struct vd_slot *slot, __u64 addr, bool user)
{
	struct vd_bpf_prog_value *v = vd_content(slot, struct vd_bpf_prog_value);
	/* Behind the content there is room, which the stack has not. */
	struct vd_prog_load *load = (void *)(v + 1);

	__builtin_memset(load, 0, sizeof(*load));
	if (vd_read_memory(load, sizeof(*load), addr, user) &&
	    vd_read_memory(load, __builtin_offsetof(struct vd_prog_load, insns), addr, user)) {
		vd_fail(slot);
		return;
	}
	v->type = load->prog_type;
	v->insns = load->insn_cnt;
	__builtin_memcpy(v->name, load->prog_name, sizeof(v->name));
}

static __always_inline void vd_fetch_bpf_map(struct vd_slot *slot, struct bpf_map *map)
{
	struct vd_bpf_map_value *v = vd_content(slot, struct vd_bpf_map_value);

	if (bpf_core_read(&v->type, sizeof(v->type), &map->map_type)) {
		vd_fail(slot);
		return;
	}
	v->key_size = BPF_CORE_READ(map, key_size);
	v->value_size = BPF_CORE_READ(map, value_size);
	v->max_entries = BPF_CORE_READ(map, max_entries);
	bpf_probe_read_kernel_str(v->name, sizeof(v->name), &map->name);
}

static __always_inline void vd_fetch_bpf_prog(struct vd_slot *slot, struct bpf_prog *prog)
{
	struct vd_bpf_prog_value *v = vd_content(slot, struct vd_bpf_prog_value);
	struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);

	if (bpf_core_read(&v->type, sizeof(v->type), &prog->type)) {
		vd_fail(slot);
		return;
	}
	v->insns = BPF_CORE_READ(prog, len);
	bpf_probe_read_kernel_str(v->name, sizeof(v->name), &aux->name);
}

/* Types below this one are fixed, those of probes are given out by the kernel (enum perf_type_id). */
#define VD_PERF_TYPE_MAX 6

static __always_inline void vd_fetch_perf_event(struct vd_slot *slot, struct perf_event *e)
{
	struct vd_perf_event_value *v = vd_content(slot, struct vd_perf_event_value);
	__u64 function;

	if (bpf_core_read(&v->type, sizeof(v->type), &e->attr.type)) {
		vd_fail(slot);
		return;
	}
	v->config = BPF_CORE_READ(e, attr.config);
	if (v->type < VD_PERF_TYPE_MAX)
		return;
	/* Of a probe, the name is still in the memory of who opens the event. */
	function = BPF_CORE_READ(e, attr.config1);
	v->probe_offset = BPF_CORE_READ(e, attr.config2);
	if (function && vd_is_user(function))
		bpf_probe_read_user_str(v->function, sizeof(v->function), (void *)function);
}

static __always_inline void vd_fetch_net_device(struct vd_slot *slot, struct net_device *dev)
{
	long n = bpf_probe_read_kernel_str(slot->s.bytes, sizeof(dev->name), &dev->name);

	if (n <= 0) {
		vd_fail(slot);
		return;
	}
	slot->num = slot->s.end = n - 1;
}

/* Goes up by one component, which it prepends; otherwise as vd_turn. */
static __always_inline __u32 vd_dentry_turn(struct dentry **at, struct vd_dentry *d, bool known,
					    struct vd_string *s)
{
	if (!known && !vd_read_dentry(d, *at))
		return VD_VALUE_FAILED;
	if (*at == d->parent)
		return 0;
	if (!vd_prepend(s, d->name, d->len))
		return VD_VALUE_UNRESOLVED;
	*at = d->parent;
	return VD_TURN_ON;
}

static long vd_dentry_climb_turn(__u64 turn, struct vd_far *far)
{
	struct vd_climb *c = (void *)far->s->climb;

	far->status = vd_dentry_turn(&c->at.dentry, &c->d, false, far->s);
	return far->status != VD_TURN_ON;
}

/*
 * Writes the path of a directory entry within its mount at the end of s;
 * returns VD_VALUE_… bits. One that has no inode yet is not a removed one.
 */
static __noinline __u32 vd_walk_dentry(struct dentry *dentry, struct vd_string *s)
{
	struct vd_dentry d;
	__u32 i, status;

	s->start = s->end = VD_MAX_STRING - 1;
	s->bytes[VD_MAX_STRING - 1] = 0;
	if (!vd_read_dentry(&d, dentry))
		return VD_VALUE_FAILED;
	if (dentry == d.parent && vd_has_no_path(dentry))
		return VD_VALUE_NO_PATH;
	if (dentry != d.parent && !d.pprev && BPF_CORE_READ(dentry, d_inode)) {
		s->start -= VD_DELETED_LEN;
		__builtin_memcpy(&s->bytes[VD_MAX_STRING - 1 - VD_DELETED_LEN], VD_DELETED,
				 VD_DELETED_LEN);
	}
	for (i = 0; i < VD_PATH_NEAR; i++) {
		status = vd_dentry_turn(&dentry, &d, !i, s);
		if (status != VD_TURN_ON)
			goto ended;
	}
	if (VD_HAS_LOOP) {
		struct vd_far far = { .s = s, .status = VD_TURN_ON };

		((struct vd_climb *)s->climb)->at.dentry = dentry;
		bpf_loop(VD_PATH_COMPONENTS + 1 - VD_PATH_NEAR, vd_dentry_climb_turn, &far, 0);
		status = far.status;
	} else {
		for (; i <= VD_PATH_COMPONENTS && status == VD_TURN_ON; i++)
			status = vd_dentry_turn(&dentry, &d, false, s);
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

static __always_inline void vd_fetch_dentry(struct vd_slot *slot, struct dentry *dentry)
{
	if (!dentry) {
		vd_fail(slot);
		return;
	}
	slot->num = BPF_CORE_READ(dentry, d_inode, i_mode);
	slot->status |= vd_walk_dentry(dentry, &slot->s);
	if (slot->status & VD_VALUE_FAILED)
		vd_count(VD_COUNT_ARG_FAILED);
}

/* An array that is a field of a tracepoint's record: all of it, as it is. */
static __always_inline void vd_fetch_const_buf(struct vd_run *run, struct vd_slot *slot, __u32 i)
{
	__u32 n = vd_config.slots[i].max;

	slot->num = vd_config.slots[i].size_width;
	if (vd_config.slots[i].flags & VD_SLOT_SIGNED)
		slot->num |= VD_ELEMENT_SIGNED;
	if (n > VD_MAX_STRING ||
	    bpf_probe_read_kernel(slot->s.bytes, n, run->ctx + vd_config.slots[i].offset)) {
		vd_fail(slot);
		return;
	}
	slot->s.end = n;
}

/* The slot's number is extended already. resolved is what vd_resolve has returned. */
static __always_inline void vd_fetch_value(struct vd_run *run, struct vd_slot *slot, __u32 i,
					   __u64 raw, int resolved)
{
	struct file *file = 0;

	switch (vd_config.slots[i].type) {
	case VD_TYPE_CRED:
		vd_fetch_cred(slot, (struct cred *)raw);
		break;
	case VD_TYPE_KERNEL_CAP:
	case VD_TYPE_CAP_INHERITABLE:
	case VD_TYPE_CAP_PERMITTED:
	case VD_TYPE_CAP_EFFECTIVE:
		vd_fetch_caps(slot, raw);
		break;
	case VD_TYPE_USER_NS:
		vd_fetch_user_ns(slot, (struct user_namespace *)raw);
		break;
	case VD_TYPE_MODULE:
		vd_fetch_module(slot, (struct module *)raw);
		break;
	case VD_TYPE_LOAD_INFO:
		vd_fetch_load_info(slot, (struct load_info *)raw);
		break;
	case VD_TYPE_BINPRM:
		bpf_core_read(&file, sizeof(file), &((struct linux_binprm *)raw)->file);
		vd_fetch_file(slot, file);
		break;
	case VD_TYPE_KIOCB:
		bpf_core_read(&file, sizeof(file), &((struct kiocb *)raw)->ki_filp);
		vd_fetch_file(slot, file);
		break;
	case VD_TYPE_NET_DEVICE:
		vd_fetch_net_device(slot, (struct net_device *)raw);
		break;
	case VD_TYPE_CONST_BUF:
		vd_fetch_const_buf(run, slot, i);
		break;
	case VD_TYPE_DENTRY:
		vd_fetch_dentry(slot, (struct dentry *)raw);
		break;
	case VD_TYPE_BPF_ATTR:
		vd_fetch_bpf_attr(slot, raw, vd_is_in_user(i, raw, resolved));
		break;
	case VD_TYPE_BPF_MAP:
		vd_fetch_bpf_map(slot, (struct bpf_map *)raw);
		break;
	case VD_TYPE_BPF_PROG:
		vd_fetch_bpf_prog(slot, (struct bpf_prog *)raw);
		break;
	case VD_TYPE_PERF_EVENT:
		vd_fetch_perf_event(slot, (struct perf_event *)raw);
		break;
	}
}

/* The S_IFMT bits of the file in a slot, also of one without a path; false if there is no inode. */
static __always_inline bool vd_file_type(struct vd_slot *slot, __u64 *type)
{
	struct file *file = (struct file *)slot->file;
	__u32 mode = file ? BPF_CORE_READ(file, f_inode, i_mode) : slot->num;

	*type = mode & 0170000;
	return !(slot->status & VD_VALUE_FAILED) && *type;
}

#endif
