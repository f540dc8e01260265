//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Guards stand at the security hooks that a system call passes, where a
 * kernel does not let the result of the call itself be replaced. The verdict
 * is taken at the call's entry; the guard refuses whatever its thread then
 * asks for, until the call returns.
 */
#include "refuse.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline long vd_guard(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct vd_verdict *v = bpf_map_lookup_elem(&vd_verdicts, &tid);

	return v ? vd_refusal(v->error) : 0;
}

SEC("lsm/file_open")
long vd_guard_lsm(void *ctx)
{
	return vd_guard();
}

SEC("fmod_ret/security_file_open")
long vd_guard_fmod_ret(void *ctx)
{
	return vd_guard();
}

/* Where the call's own return is not seen: no verdict outlives its call. */
SEC("tp_btf/sys_exit")
int vd_verdict_end(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&vd_verdicts, &tid);
	return 0;
}
