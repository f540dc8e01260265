//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * No programs: the object whose BTF the Go types of the contract are
 * generated from.
 */
#include "vmlinux.h"
#include "vedette.h"

#define ANCHOR(kind, name) kind name anchor_##name __attribute__((used))

ANCHOR(struct, vd_header);
ANCHOR(struct, vd_process_id);
ANCHOR(struct, vd_fork);
ANCHOR(struct, vd_cred);
ANCHOR(struct, vd_exec);
ANCHOR(struct, vd_exec_data);
ANCHOR(struct, vd_exit);
ANCHOR(struct, vd_hook_record);
ANCHOR(struct, vd_value);
ANCHOR(struct, vd_hook_data);
ANCHOR(struct, vd_cred_value);
ANCHOR(struct, vd_user_ns_value);
ANCHOR(struct, vd_module_value);
ANCHOR(struct, vd_bpf_prog_value);
ANCHOR(struct, vd_bpf_map_value);
ANCHOR(struct, vd_perf_event_value);
ANCHOR(struct, vd_slot_config);
ANCHOR(struct, vd_operand);
ANCHOR(struct, vd_set);
ANCHOR(struct, vd_hash_record);
ANCHOR(struct, vd_register_write);
ANCHOR(struct, vd_build_id_frame);
ANCHOR(struct, vd_steps);
ANCHOR(struct, vd_dim_config);
ANCHOR(struct, vd_hook_config);
ANCHOR(struct, vd_dim_tables);
ANCHOR(struct, vd_hook_tables);
ANCHOR(struct, vd_entry);
ANCHOR(struct, vd_string_key);
ANCHOR(struct, vd_string_value);
ANCHOR(struct, vd_fd_op);
ANCHOR(struct, vd_rule);
ANCHOR(struct, vd_rule_counters);
ANCHOR(struct, vd_process);
ANCHOR(struct, vd_origin);
ANCHOR(struct, vd_workload);
ANCHOR(struct, vd_pid_set_key);
ANCHOR(struct, vd_followed_key);
ANCHOR(struct, vd_followed);
ANCHOR(struct, vd_rate_key);
ANCHOR(struct, vd_pending);
ANCHOR(struct, vd_call_key);
ANCHOR(struct, vd_verdict);
ANCHOR(struct, vd_notice);
ANCHOR(struct, vd_enforcer_config);
ANCHOR(enum, vd_enforced_key);
ANCHOR(struct, vd_net);
ANCHOR(struct, vd_sock_owner);
ANCHOR(struct, vd_process_policy);
ANCHOR(struct, vd_syscall_abi);
ANCHOR(enum, vd_limit);
ANCHOR(enum, vd_record_type);
ANCHOR(enum, vd_process_flags);
ANCHOR(enum, vd_exec_flags);
ANCHOR(enum, vd_namespace);
ANCHOR(enum, vd_cap_set);
ANCHOR(enum, vd_workload_class);
ANCHOR(enum, vd_hook_phase);
ANCHOR(enum, vd_value_status);
ANCHOR(enum, vd_build_id_status);
ANCHOR(enum, vd_type);
ANCHOR(enum, vd_dim_kind);
ANCHOR(enum, vd_dim_source);
ANCHOR(enum, vd_dim_flags);
ANCHOR(enum, vd_slot_from);
ANCHOR(enum, vd_slot_flags);
ANCHOR(enum, vd_operand_kind);
ANCHOR(enum, vd_hook_feature);
ANCHOR(enum, vd_cookie);
ANCHOR(enum, vd_rule_flags);
ANCHOR(enum, vd_fd_op_kind);
ANCHOR(enum, vd_counter);
