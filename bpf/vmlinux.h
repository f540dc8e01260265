/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The few kernel types that the programs read, with only the members that
 * they use. Offsets are relocated at load time (CO-RE), so the order here
 * means nothing. Names and types are those of Linux 6.18 unless said
 * otherwise.
 */
#ifndef VEDETTE_VMLINUX_H
#define VEDETTE_VMLINUX_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef unsigned short umode_t;
typedef _Bool bool;

enum {
	false,
	true,
};

#endif
