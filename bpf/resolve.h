/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Values that policies find by a path through the types of the kernel or a program. The way there is constant
 * (vd_steps), so that the verifier sees as many reads as it has.
 */
#ifndef VEDETTE_RESOLVE_H
#define VEDETTE_RESOLVE_H

const volatile struct vd_steps vd_steps[VD_MAX_SLOTS];

/* Whose memory an address is in that the end of a way is. */
#define VD_MEMORY_KERNEL 0
#define VD_MEMORY_USER 1
#define VD_MEMORY_NONE (-1)

static __always_inline long vd_read_memory(void *to, __u32 n, __u64 addr, bool user)
{
	return user ? bpf_probe_read_user(to, n, (void *)addr) : bpf_probe_read_kernel(to, n, (void *)addr);
}

/* Reads the value at the end of a way; false if it cannot be read. */
static __always_inline bool vd_read_end(__u32 i, __u64 addr, bool user, __u64 *value)
{
	__u64 v = 0;
	long err;

	switch (vd_steps[i].width) {
	case 0:
		*value = addr;
		return true;
	case 1:
		err = vd_read_memory(&v, 1, addr, user);
		break;
	case 2:
		err = vd_read_memory(&v, 2, addr, user);
		break;
	case 4:
		err = vd_read_memory(&v, 4, addr, user);
		break;
	default:
		err = vd_read_memory(&v, 8, addr, user);
	}
	v <<= vd_steps[i].left & 63;
	*value = vd_steps[i].is_signed ? (__u64)((__s64)v >> (vd_steps[i].right & 63)) :
					 v >> (vd_steps[i].right & 63);
	return !err;
}

/* Whether values of a type are what is read, and not an address of it. */
static __always_inline bool vd_is_number(__u8 type)
{
	switch (type) {
	case VD_TYPE_STRING:
	case VD_TYPE_FILENAME:
	case VD_TYPE_FILE:
	case VD_TYPE_PATH:
	case VD_TYPE_CHAR_BUF:
		return false;
	}
	return type <= VD_TYPE_NOP || type == VD_TYPE_CAPABILITY || type == VD_TYPE_BPF_CMD;
}

/*
 * Goes the way of slot i from an address and leaves in num what is at its end. Returns whose memory that is an
 * address of, VD_MEMORY_NONE if the end was not reached.
 *
 * Once the way has been in memory of the process it stays there: a process must not have the kernel's memory read
 * by writing an address of it.
 */
static __noinline int vd_resolve(struct vd_run *run, __u32 i, __u64 addr)
{
	struct vd_slot *slot;
	bool user = false;
	__u32 d;

	if (i >= VD_MAX_SLOTS)
		return VD_MEMORY_NONE;
	slot = &run->s->slots[i];
	if (vd_config.slots[i].from != VD_FROM_TASK && (vd_config.features & VD_FEATURE_USER))
		user = true;
	for (d = 0; d <= VD_MAX_DEREFS; d++) {
		__u64 at = addr + vd_steps[i].offset[d], end;

		if (vd_is_user(addr))
			user = true;
		slot->num = vd_steps[i].depth[d];
		/* Also where a process has mapped its page 0: NULL leads nowhere. */
		if (!addr)
			break;
		if (d >= vd_steps[i].count) {
			if (!vd_read_end(i, at, user, &end))
				break;
			/* An address of the kernel that the process may have written leads nowhere. */
			if (user && !vd_is_user(end) && !vd_is_number(vd_config.slots[i].type))
				break;
			slot->num = end;
			return user || vd_is_user(end) ? VD_MEMORY_USER : VD_MEMORY_KERNEL;
		}
		if (vd_read_memory(&addr, 8, at, user))
			break;
	}
	slot->status |= VD_VALUE_UNREACHED;
	vd_fail(slot);
	return VD_MEMORY_NONE;
}

/* Whether what is at an address is the process's memory; resolved is what vd_resolve has returned. */
static __always_inline bool vd_is_in_user(__u32 i, __u64 addr, int resolved)
{
	if (vd_config.slots[i].flags & VD_SLOT_RESOLVE)
		return resolved == VD_MEMORY_USER;
	return vd_reads_user(addr);
}

#endif
