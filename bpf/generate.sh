#!/bin/sh
# Builds the kernel programs and generates their Go side. Needs clang 19 and
# libbpf's headers (Debian: clang-19 llvm-19 libbpf-dev).
set -eu
cd "$(dirname "$0")"

generate() {
	name=$1 source=$2
	shift 2
	go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -go-package bpf \
		-cflags "-O2 -g -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -ffile-prefix-map=$PWD=." \
		"$name" "$source" "$@"
}

types=""
for t in \
	vd_header vd_process_id vd_fork vd_cred \
	vd_exec vd_exec_data vd_exit vd_hook_record \
	vd_value vd_slot_config vd_dim_config vd_hook_config vd_dim_tables vd_hook_tables \
	vd_entry vd_string_key vd_string_value vd_fd_op \
	vd_rule vd_rule_counters vd_process vd_origin vd_workload vd_workload_class vd_cap_set vd_pid_set_key \
	vd_followed_key vd_followed vd_rate_key vd_pending vd_call_key vd_verdict vd_notice vd_enforced_key vd_enforcer_config vd_net vd_sock_owner \
	vd_process_policy vd_syscall_abi vd_record_type vd_limit vd_process_flags \
	vd_exec_flags vd_namespace vd_hook_phase vd_value_status \
	vd_type vd_dim_kind vd_dim_source vd_dim_flags \
	vd_slot_from vd_slot_flags vd_steps vd_operand vd_operand_kind vd_hook_feature vd_cookie vd_rule_flags \
	vd_fd_op_kind vd_counter \
	vd_hook_data vd_cred_value vd_user_ns_value vd_module_value vd_bpf_prog_value \
	vd_bpf_map_value vd_perf_event_value \
	vd_set vd_register_write vd_build_id_frame vd_build_id_status vd_hash_record; do
	types="$types -type $t"
done

# shellcheck disable=SC2086 # one flag each
generate Contract contract.bpf.c $types
generate Process process.bpf.c -no-global-types
generate Syscall syscall.bpf.c -no-global-types
generate Hook hook.bpf.c -no-global-types
generate Dispatch dispatch.bpf.c -no-global-types
generate Multi multi.bpf.c -no-global-types
generate Guard guard.bpf.c -no-global-types
generate Enforcer enforcer.bpf.c -no-global-types
