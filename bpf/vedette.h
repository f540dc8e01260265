/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The contract between the kernel programs and the Go side. Every structure
 * that crosses the border stands here and nowhere else; bpf2go generates the
 * Go types from the BTF of the objects. All structures are laid out without
 * implicit padding, all integers in the byte order of the machine.
 */
#ifndef VEDETTE_H
#define VEDETTE_H

/* Limits. internal/compile/plan.go has those that it shares; a test compares. */
enum vd_limit {
	VD_MAX_WORDS = 24, /* of 64 bits in a vector */
	VD_MAX_SLOTS = 16, /* a power of two */
	VD_MAX_DIMS = 48,
	VD_MAX_RETURN_DIMS = 8,
	VD_MAX_MASKS = 64,
	VD_MAX_STEPS = 18, /* of a binary search */
	VD_CHUNK_LEN = 248, /* bytes; with the state 252 of the 256 that a trie allows */
	VD_MAX_STRING = 4096, /* bytes, a power of two */
	VD_MAX_POSTFIX = 128, /* bytes */
	VD_MAX_FD_OPS = 2,
	VD_MAX_SETS = 64,
	VD_RATE_ENTRIES = 32768,
	VD_MAX_EXPRESSIONS = 1024,
	VD_EXPRESSION_DEPTH = 64,
	VD_MAX_AUTOMATA = 1 << 19, /* words of a half, a power of two */
	VD_SOCK_OWNERS = 32000,
	VD_RAW_ARGS = 6,
	VD_COMPAT_ENTRIES = 512, /* more than a table of system calls has */
	VD_MAX_DIGEST = 64, /* bytes of a hash */
	VD_MAX_FRAMES = 127, /* of a stack trace: the default of kernel.perf_event_max_stack */
	VD_BUILD_ID_FRAME = 32, /* sizeof(struct vd_build_id_frame) */
	VD_MAX_SET_ACTIONS = 8, /* different ones of a hook */
	VD_MAX_OVERRIDES = 4, /* different ones of a place in a program */
	VD_MAX_REGISTERS = 8, /* that one of them writes */
	VD_MAX_DEREFS = 10, /* pointers on the way to a value */
	/*
	 * Runs on one CPU at a time: of a task, of a soft interrupt in it, of an
	 * interrupt in that, and of an NMI. None of these nests in itself but
	 * where a hook is on a function that programs call, or tasks preempt each
	 * other within programs: possible from 5.12 on, where programs keep their
	 * CPU but can be preempted (preempt=full), until 6.10 (see scratch.h).
	 */
	VD_SCRATCH_LEVELS = 4,
	/* The same of programs that watch processes: of a task, and within the task iterator's. */
	VD_PROCESS_SCRATCH_LEVELS = 2,
	VD_MAX_ENFORCERS = 64, /* policies with enforcers */
	VD_MAX_VARIANTS = 16, /* ways in which the places of a static probe have its arguments */
	VD_MAX_BUFFER = 327360, /* bytes of a buffer with maxData */
	VD_MAX_SEGMENTS = 1024, /* of a scattered buffer, as many as a call takes (UIO_MAXIOV) */
	VD_DATA_CHUNK = 32768, /* bytes of a buffer in one HOOK_DATA record, a power of two */
};

/* ---- records ------------------------------------------------------------ */

enum vd_record_type {
	VD_RECORD_FORK = 1,
	VD_RECORD_EXEC = 2,
	VD_RECORD_EXEC_DATA = 3, /* arguments that did not fit, before their EXEC */
	VD_RECORD_EXIT = 4,
	VD_RECORD_TASK = 5, /* a process older than the agent: struct vd_exec */
	VD_RECORD_HOOK = 6,
	VD_RECORD_HOOK_DATA = 7, /* of long buffers, before their HOOK */
};

/*
 * Every record begins with this. seq counts the records of one CPU and one
 * ring from 1, lost ones included: a gap says how many are missing.
 */
struct vd_header {
	__u32 size; /* of the whole record, in bytes */
	__u8 type; /* enum vd_record_type */
	__u8 ring; /* 0 bulk, 1 evidence */
	__u16 cpu;
	__u64 seq;
	__u64 time; /* nanoseconds since boot */
};

/* A process: its thread group id and the time that its exec id carries. */
struct vd_process_id {
	__u64 start; /* nanoseconds since boot: of the last exec, else the fork */
	__u32 pid;
	__u32 zero;
};

enum vd_process_flags {
	VD_PROCESS_CLONE = 1 << 0, /* forked, no exec since */
	VD_PROCESS_IN_INIT_TREE = 1 << 1, /* descends from pid 1 of its pid namespace, which is not the host's */
	VD_PROCESS_IN_PIDNS = 1 << 2, /* not in the host's pid namespace */
	VD_PROCESS_IN_USERNS = 1 << 3, /* not in the host's user namespace */
	VD_PROCESS_OLD = 1 << 4, /* older than the agent */
	VD_PROCESS_KTHREAD = 1 << 5,
	VD_PROCESS_UNKNOWN = 1 << 6, /* was not in the process map */
	VD_PROCESS_FOLLOWS = 1 << 7, /* has had followed descriptors */
};

struct vd_fork {
	struct vd_header header;
	struct vd_process_id process;
	struct vd_process_id parent;
	__u32 nspid;
	__u32 flags; /* enum vd_process_flags */
};

enum vd_exec_flags {
	VD_EXEC_CLONE = 1 << 0, /* the first exec after the fork */
	VD_EXEC_ARGS_TRUNCATED = 1 << 1, /* more than the record and its data hold */
	VD_EXEC_ARGS_FAILED = 1 << 2, /* could not be read */
	VD_EXEC_CWD_TRUNCATED = 1 << 3, /* too many components: the last ones are there */
	VD_EXEC_CWD_FAILED = 1 << 4,
	VD_EXEC_CWD_ROOT = 1 << 5, /* cwd is "/" */
	VD_EXEC_FILENAME_FAILED = 1 << 6,
	VD_EXEC_EXE_TRUNCATED = 1 << 7,
	VD_EXEC_PARENT_MISSING = 1 << 8, /* was not in the process map */
	VD_EXEC_CAPS_RAISED = 1 << 9, /* by capabilities of the file */
	VD_EXEC_SETUID = 1 << 10, /* euid comes from the file's set-uid bit */
	VD_EXEC_SETGID = 1 << 11,
	VD_EXEC_CGROUP_TRUNCATED = 1 << 12,
	VD_EXEC_KTHREAD = 1 << 13, /* TASK only: filename is the command name */
	VD_EXEC_ARGS_DATA = 1 << 14, /* part of the arguments came in EXEC_DATA records */
};

enum vd_namespace {
	VD_NS_UTS,
	VD_NS_IPC,
	VD_NS_MNT,
	VD_NS_PID,
	VD_NS_PID_FOR_CHILDREN,
	VD_NS_NET,
	VD_NS_TIME,
	VD_NS_TIME_FOR_CHILDREN,
	VD_NS_CGROUP,
	VD_NS_USER,
	VD_NS_COUNT,
};

struct vd_cred {
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u32 securebits;
	__u32 userns_level;
	__u32 userns_owner;
	__u32 userns_group;
	__u64 cap_permitted, cap_effective, cap_inheritable;
};

/*
 * An exec, or with TASK a process found by the task iterator. The strings
 * stand behind it in this order, each with its length here and no NUL:
 * filename (as given to execve), exe (the resolved path of the binary), cwd,
 * cgroup (path in its hierarchy), args (the argument area as it is in
 * memory: NUL-terminated strings, argv[0] included; with
 * VD_EXEC_ARGS_DATA, what follows the bytes of the EXEC_DATA records).
 */
struct vd_exec {
	struct vd_header header;
	struct vd_process_id process;
	struct vd_process_id parent; /* the previous image of the same pid where it did not fork */
	__u64 cgroup_id;
	__u64 ino;
	struct vd_cred cred;
	__u32 ns[VD_NS_COUNT];
	__u32 flags; /* enum vd_exec_flags */
	__u32 process_flags; /* enum vd_process_flags */
	__u32 nspid;
	__u32 auid;
	__u32 nlink;
	__u32 mode; /* of the binary's inode */
	__u32 args_total; /* bytes of the whole argument area */
	__u32 args_offset; /* where args begin in it */
	__u32 zero;
	__u16 filename_len;
	__u16 exe_len;
	__u16 cwd_len;
	__u16 cgroup_len;
	__u32 args_len;
};

/* A chunk of the argument area, size - sizeof(struct vd_exec_data) bytes. */
struct vd_exec_data {
	struct vd_header header;
	struct vd_process_id process;
	__u32 offset; /* of the chunk in the argument area */
	__u32 len; /* bytes that are valid; the record may be longer */
};

struct vd_exit {
	struct vd_header header;
	struct vd_process_id process;
	__u32 tid; /* the last thread */
	__u32 code; /* as wait(2) reports it: signal in the low 7 bits, status << 8 */
	__u32 flags; /* enum vd_process_flags */
	__u32 zero;
};

enum vd_hook_phase {
	VD_PHASE_ENTRY = 1, /* the whole event */
	VD_PHASE_ENTRY_AWAITS_RETURN = 2,
	VD_PHASE_RETURN = 3, /* completes the entry with the same pair, tid, hook and generation */
	VD_PHASE_NO_RETURN = 4, /* the same entry is complete: no vector, no values */
};

/*
 * A match of one or more rules of one hook. Behind it stand the vector of
 * winning rules that post, header words u64 each, then n_values values.
 * For VD_PHASE_RETURN the first value is the return value, and then come
 * the slots that are copied at return.
 */
struct vd_hook_record {
	struct vd_header header;
	struct vd_process_id process;
	__u64 pair; /* time of the entry */
	__u32 hook; /* number of the hook, given by the loader */
	__u32 generation; /* of its program */
	__u32 tid;
	__u32 process_flags; /* enum vd_process_flags */
	__u8 phase; /* enum vd_hook_phase */
	__u8 words;
	__u8 n_values;
	__u8 zero[5];
};

enum vd_value_status {
	VD_VALUE_FAILED = 1 << 0, /* could not be read: no bytes follow */
	VD_VALUE_TRUNCATED = 1 << 1,
	VD_VALUE_NO_PATH = 1 << 2, /* a file without a path: pipe, socket … */
	VD_VALUE_UNRESOLVED = 1 << 3, /* more path components than walked */
	VD_VALUE_AT_RETURN = 1 << 4, /* comes with the return record */
	VD_VALUE_COMPAT = 1 << 5, /* SYSCALL64: a 32-bit call */
	VD_VALUE_UNREACHED = 1 << 6, /* with FAILED: an address on the way to it cannot be read; num is the component */
	VD_VALUE_DATA = 1 << 7, /* a buffer whose bytes from VD_MAX_STRING on came in HOOK_DATA records */
	VD_VALUE_NO_ADDRESS = 1 << 8, /* struct vd_net: its family has no IP addresses */
	VD_VALUE_NO_PORT = 1 << 9, /* struct vd_net: its protocol has no ports, or they are elsewhere */
};

/*
 * A part of a buffer that is longer than a hook record holds. The parts of a
 * buffer come in order, in the bulk ring, before the hook record with the
 * same pair, thread, hook and generation.
 */
struct vd_hook_data {
	struct vd_header header;
	__u64 pair; /* time of the entry */
	__u32 hook;
	__u32 generation;
	__u32 tid;
	__u32 offset; /* of the part in the buffer, in bytes */
	__u8 slot;
	__u8 last; /* 1: nothing follows */
	__u8 uses; /* how many hook records of the call's entry, or of its return, refer to it */
	__u8 zero[5];
};

/*
 * One value. len bytes of content follow, padded with unspecified bytes to a
 * multiple of 8. Integers and sets of capabilities have no content: num is
 * the value, sign-extended to 64 bits for signed types. For paths (FD, FILE,
 * PATH, BINPRM, KIOCB, DENTRY) num is the inode's mode and the content the
 * path. For strings and buffers num is the whole length in bytes of what was
 * to be copied. For CONST_BUF num is the size of an element in bytes, and
 * VD_ELEMENT_SIGNED. The content of SOCK, SOCKET, SKB and SOCKADDR is a struct
 * vd_net, that of SOCKADDR_UN the path, with num as the address family. The
 * content of the other types is a structure, below.
 */
struct vd_value {
	__u8 type; /* enum vd_type */
	__u8 slot;
	__u16 status; /* enum vd_value_status */
	__u32 len;
	__u64 num;
};

enum vd_build_id_status {
	VD_BUILD_ID_EMPTY = 0,
	VD_BUILD_ID_VALID = 1,
	VD_BUILD_ID_IP = 2, /* the file has none: at is the address */
};

/* One frame of a stack in user space: struct bpf_stack_build_id of the kernel. */
struct vd_build_id_frame {
	__s32 status; /* enum vd_build_id_status */
	__u8 build_id[20];
	__u64 at; /* offset in the file, in bytes */
};

/*
 * What is known of a socket, a packet or an address. Addresses are those of
 * IPv6, in network order, those of IPv4 mapped (::ffff:a.b.c.d); all numbers
 * are in the machine's order. A single address is saddr and sport.
 */
struct vd_net {
	__u8 saddr[16];
	__u8 daddr[16];
	__u64 address; /* of the struct sock; 0: none */
	__u64 trackers; /* bits of the policies that have the socket tracked */
	__u64 owner_start; /* the process that it is tracked for */
	__u32 owner_pid;
	__u32 mark;
	__u32 priority;
	__u32 hash; /* of a packet, as the following */
	__u32 len; /* bytes */
	__u32 sec_path_len;
	__u32 sec_path_olen;
	__u16 family;
	__u16 protocol; /* above IP */
	__u16 sport;
	__u16 dport;
	__u16 type; /* of a socket, SOCK_STREAM */
	__u8 state; /* of a socket, TCP_ESTABLISHED */
	__u8 zero;
};

/* ---- compiled hooks ------------------------------------------------------ */

/* Argument types; the numbers of compile.SlotType. */
enum vd_type {
	VD_TYPE_NONE = 0,
	VD_TYPE_S8 = 1,
	VD_TYPE_U8 = 2,
	VD_TYPE_S16 = 3,
	VD_TYPE_U16 = 4,
	VD_TYPE_S32 = 5,
	VD_TYPE_U32 = 6,
	VD_TYPE_S64 = 7,
	VD_TYPE_U64 = 8,
	VD_TYPE_SIZE = 9,
	VD_TYPE_STRING = 10,
	VD_TYPE_FILENAME = 11,
	VD_TYPE_FD = 12,
	VD_TYPE_FILE = 13,
	VD_TYPE_PATH = 14,
	VD_TYPE_CHAR_BUF = 15,
	VD_TYPE_DATA_LOC = 16,
	VD_TYPE_SYSCALL64 = 17,
	VD_TYPE_NOP = 18,
	VD_TYPE_SOCK = 19,
	VD_TYPE_SOCKET = 20,
	VD_TYPE_SKB = 21,
	VD_TYPE_SOCKADDR = 22,
	VD_TYPE_SOCKADDR_UN = 23,
	VD_TYPE_CRED = 24,
	VD_TYPE_CAPABILITY = 25,
	VD_TYPE_KERNEL_CAP = 26,
	VD_TYPE_CAP_INHERITABLE = 27,
	VD_TYPE_CAP_PERMITTED = 28,
	VD_TYPE_CAP_EFFECTIVE = 29,
	VD_TYPE_USER_NS = 30,
	VD_TYPE_MODULE = 31,
	VD_TYPE_LOAD_INFO = 32,
	VD_TYPE_BINPRM = 33,
	VD_TYPE_NET_DEVICE = 34,
	VD_TYPE_KIOCB = 35,
	VD_TYPE_CONST_BUF = 36,
	VD_TYPE_BPF_CMD = 37,
	VD_TYPE_DENTRY = 38,
	VD_TYPE_BPF_ATTR = 39,
	VD_TYPE_BPF_MAP = 40,
	VD_TYPE_BPF_PROG = 41,
	VD_TYPE_PERF_EVENT = 42,
	VD_TYPE_IOV_ITER = 43,
	VD_TYPE_CHAR_IOVEC = 44,
	/* In records only. */
	VD_TYPE_STACK_KERNEL = 60, /* addresses of 8 bytes each, the innermost first */
	VD_TYPE_STACK_USER = 61,
	VD_TYPE_STACK_BUILD_ID = 62, /* struct vd_build_id_frame each */
	VD_TYPE_IMA_HASH = 63, /* num: the algorithm (enum hash_algo), content: the digest */
};

/* ---- contents of values --------------------------------------------------- */

#define VD_ELEMENT_SIGNED 256

enum vd_name_size {
	VD_BPF_NAME = 16, /* BPF_OBJ_NAME_LEN */
	VD_MODULE_NAME = 56, /* MODULE_NAME_LEN of 64-bit machines */
	VD_PROBE_NAME = 128,
};

/* CRED. */
struct vd_cred_value {
	struct vd_cred cred;
	__u32 userns; /* inode number of the user namespace */
	__u32 zero;
};

/* USER_NS. */
struct vd_user_ns_value {
	__s32 level; /* 0: the host's */
	__u32 uid, gid; /* of the owner */
	__u32 inum;
};

/* MODULE, LOAD_INFO. Names are cut, and end with a NUL byte. */
struct vd_module_value {
	__u64 taints; /* bits, by the numbers of the kernel's taints */
	__u8 sig_ok; /* LOAD_INFO */
	__u8 has_sig_ok; /* the kernel checks signatures, and it is a LOAD_INFO */
	__u8 zero[6];
	char name[VD_MODULE_NAME];
};

/* BPF_ATTR, BPF_PROG. */
struct vd_bpf_prog_value {
	__u32 type; /* enum bpf_prog_type */
	__u32 insns;
	char name[VD_BPF_NAME];
};

/* BPF_MAP. Sizes in bytes. */
struct vd_bpf_map_value {
	__u32 type; /* enum bpf_map_type */
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	char name[VD_BPF_NAME];
};

/* PERF_EVENT. */
struct vd_perf_event_value {
	__u32 type; /* of struct perf_event_attr */
	__u32 zero;
	__u64 config;
	__u64 probe_offset;
	char function[VD_PROBE_NAME]; /* empty where the event is no probe by name */
};

/* Kinds and sources of dimensions; the numbers of compile.DimKind and DimSource. */
enum vd_dim_kind {
	VD_DIM_INTERVAL = 1,
	VD_DIM_MASK = 2,
	VD_DIM_INDEX = 3,
	VD_DIM_STRING = 4,
	VD_DIM_POSTFIX = 5,
	VD_DIM_ADDRESS = 6,
	VD_DIM_SUBSTRING = 7,
	VD_DIM_EXPRESSION = 8,
};

enum vd_dim_source {
	VD_SOURCE_ARG = 1,
	VD_SOURCE_RETURN = 2,
	VD_SOURCE_PID = 3,
	VD_SOURCE_NSPID = 4,
	VD_SOURCE_SETS = 5,
	VD_SOURCE_BINARY = 6,
	VD_SOURCE_BINARY_END = 7,
	VD_SOURCE_NAMESPACE = 8,
	VD_SOURCE_CAPS = 9,
	VD_SOURCE_FLAGS = 10,
	VD_SOURCE_FOLLOWED = 11,
	VD_SOURCE_PARENT_BINARY = 13,
	VD_SOURCE_PARENT_BINARY_END = 14,
	VD_SOURCE_NAMESPACE_CHANGES = 15,
	VD_SOURCE_CAPABILITY_CHANGES = 16,
	VD_SOURCE_PARENT_SETS = 20,
	VD_SOURCE_WORKLOAD = 21,
	VD_SOURCE_FIELD = 12, /* a number in the content of a slot */
	VD_SOURCE_FILE_TYPE = 17, /* S_IFMT bits of the inode of slot index */
	VD_SOURCE_CAPS_GAINED = 18, /* capabilities of slot other that slot index has not */
};

/* Where the raw value of a slot comes from. */
enum vd_slot_from {
	VD_FROM_RAW = 0, /* raw argument number raw */
	VD_FROM_FIELD = 1, /* offset and width in a tracepoint's record */
	VD_FROM_TASK = 2, /* the current task's struct task_struct */
	VD_FROM_REGISTER = 3, /* offset and width in struct pt_regs, which the program's context is */
	VD_FROM_RETURN = 4, /* the return value */
};

struct vd_slot_config {
	__u8 type; /* enum vd_type */
	__u8 from; /* enum vd_slot_from */
	__u8 raw;
	__u8 width; /* bytes of the field */
	__u8 size_from; /* 0: no size argument, 1: raw, 2: field */
	__u8 size_raw;
	__u8 size_width; /* CONST_BUF: bytes of an element */
	__u8 flags; /* enum vd_slot_flags */
	__u16 offset;
	__u16 size_offset;
	__u32 max;
};

/* Where a static probe has the value of an argument; the numbers of executable.OperandKind. */
enum vd_operand_kind {
	VD_OPERAND_NONE = 0,
	VD_OPERAND_CONSTANT = 1, /* value itself */
	VD_OPERAND_REGISTER = 2, /* base */
	VD_OPERAND_MEMORY = 3, /* at base + index * scale + value */
};

struct vd_operand {
	__u8 kind; /* enum vd_operand_kind */
	__u8 width; /* bytes: 1, 2, 4 or 8 */
	__u8 is_signed;
	__u8 scale; /* 0: no index */
	__u16 base; /* offsets in struct pt_regs */
	__u16 index;
	__u64 value;
};

/* What Set writes into an argument of a static probe. */
struct vd_set {
	__u32 value;
	__u32 raw; /* number of the operand, which is in memory and of 4 bytes */
};

/* What Override writes into a register. */
struct vd_register_write {
	__u8 kind; /* enum vd_operand_kind: value, from + value, or what is there in memory; 0: nothing */
	__u8 width; /* bytes that are written: 1, 2, 4 or 8 */
	__u16 to; /* offset in struct pt_regs, of the lowest byte that is written */
	__u16 from;
	__u16 zero;
	__u64 value;
};

enum vd_slot_flags {
	VD_SLOT_FILTERED = 1 << 0,
	VD_SLOT_RETURN_COPY = 1 << 1, /* fetched when the call returns */
	VD_SLOT_RESOLVE = 1 << 2, /* what it is from is where the way of vd_steps begins */
	VD_SLOT_SIGNED = 1 << 3, /* CONST_BUF: its elements are */
	VD_SLOT_ACTED = 1 << 4, /* fetched again for actions at the return */
};

/*
 * The way from a pointer to a value: count pointers are read, each at an offset from the one before. The value is at
 * the next offset.
 */
struct vd_steps {
	__u8 count; /* at most VD_MAX_DEREFS */
	__u8 width; /* bytes of the value; 0: the value is the place itself */
	__u8 left; /* bits by which what was read is shifted to the left and then */
	__u8 right; /* to the right: it is extended to 64 bits, or a bit field */
	__u8 is_signed;
	__u8 depth[VD_MAX_DEREFS + 1]; /* which component of the policy's path each read is for, from 0 */
	__u32 offset[VD_MAX_DEREFS + 1];
};

/* What is constant of a dimension; the rest is in struct vd_dim_tables. */
struct vd_dim_config {
	__u8 kind; /* enum vd_dim_kind */
	__u8 source; /* enum vd_dim_source */
	__u8 index;
	__u8 flags; /* enum vd_dim_flags */
	/*
	 * INTERVAL, ADDRESS: at most 2^steps intervals. MASK: at most steps masks.
	 * EXPRESSION: bits of the slots that no dimension before has fetched.
	 */
	__u32 steps;
	__u16 field_offset; /* FIELD: bytes in the content; NAMESPACE_CHANGES: bits of the kinds that are looked at */
	__u8 field_width; /* FIELD: bytes, 1, 2, 4 or 8; ADDRESS: 16 */
	__u8 other; /* a second slot */
};

enum vd_dim_flags {
	VD_DIM_SIGNED = 1 << 0,
	VD_DIM_FETCH = 1 << 1, /* the first dimension that looks at its slot */
	VD_DIM_PORT = 1 << 2, /* FIELD: a port */
	VD_DIM_FETCH_OTHER = 1 << 3, /* the first one that looks at its second slot */
	VD_DIM_APART = 1 << 4, /* in a function of its own */
	VD_DIM_WIDE = 1 << 5, /* SUBSTRING: classes are numbers and not offsets in a row */
};

/* What a hook's program is specialised to. Frozen before load. */
struct vd_hook_config {
	__u32 hook; /* 0 with VD_FEATURE_SHARED */
	__u32 words;
	__u32 n_slots;
	__u32 n_dims;
	__u32 n_return_dims;
	__u32 return_type; /* enum vd_type of the return value, 0: none */
	__u32 return_slot; /* of the return program */
	__u32 features; /* enum vd_hook_feature */
	__u32 winners; /* no more rules than this can win at once */
	__u32 raw_args; /* how many arguments are read, where a program may read no more than there are */
	__u32 return_at; /* number of the return value among a traced function's arguments */
	__u32 wrapper; /* 1: the function's argument are the registers of a system call */
	__u32 call; /* its number */
	__u32 variants; /* of vd_operands; 0: the arguments are those of a function */
	__u32 automata_mask; /* of offsets in a value of vd_automata, multiples of 4 */
	__u32 table_mask; /* of offsets in a value of vd_table, multiples of a row's size */
	__u32 expressions; /* no more than this are in a half */
	__u32 zero;
	struct vd_slot_config slots[VD_MAX_SLOTS];
	struct vd_dim_config dims[VD_MAX_DIMS];
	struct vd_dim_config return_dims[VD_MAX_RETURN_DIMS];
};

enum vd_hook_feature {
	VD_FEATURE_KILL = 1 << 0,
	VD_FEATURE_SIGNAL = 1 << 1,
	VD_FEATURE_RATE = 1 << 2,
	VD_FEATURE_FD_OPS = 1 << 3,
	VD_FEATURE_RETURN = 1 << 4,
	VD_FEATURE_OVERRIDE = 1 << 5,
	VD_FEATURE_REFUSES = 1 << 6, /* the program's own result refuses */
	VD_FEATURE_VERDICT = 1 << 7, /* guards on the call's way refuse */
	VD_FEATURE_FRAMES = 1 << 8, /* returns find their entries by vd_calls */
	VD_FEATURE_PROCESS = 1 << 10, /* dimensions look at the process */
	VD_FEATURE_SUBSTRING = 1 << 19,
	VD_FEATURE_RETURN_ACTIONS = 1 << 20,
	VD_FEATURE_CHANGES = 1 << 15, /* rules tell changes of namespaces or capabilities */
	VD_FEATURE_STACKS = 1 << 12,
	VD_FEATURE_SET = 1 << 14,
	VD_FEATURE_IMA = 1 << 18,
	VD_FEATURE_REGISTERS = 1 << 17, /* overrides write registers */
	VD_FEATURE_SOCK_TRACK = 1 << 11, /* sockets are tracked, or their owners told */
	VD_FEATURE_USER = 1 << 9, /* addresses come from the process: those of the kernel are none */
	VD_FEATURE_NOTIFY = 1 << 13, /* enforcers are notified */
	VD_FEATURE_SHARED = 1 << 16, /* of several hooks: the attach cookie tells which, see vd_cookie */
};

/* What a function is attached with by kprobe.multi: its hook's number, with these bits. */
enum vd_cookie {
	VD_COOKIE_WRAPPER = 1 << 30, /* the function is that of a system call */
};

/*
 * Where the tables of a dimension are. INTERVAL, MASK, INDEX, ADDRESS and
 * EXPRESSION: base is where the rows begin in a value of vd_table, in bytes,
 * len how many there are, and the highest bit of state tells the half. Vectors
 * count from the map's beginning.
 * SUBSTRING: base are the automaton's classes, state its first state and, as
 * the highest bit, the half, and len the vector of texts in which nothing is
 * found.
 */
struct vd_dim_tables {
	__u32 base;
	__u32 len;
	__u32 state;
	__u32 none;
};

/*
 * What the rules of a hook are. There are two of these, one of which is in
 * force (vd_current); the other is free to be filled. Each has a half of the
 * hook's other tables.
 */
struct vd_hook_tables {
	__u32 generation; /* 0: not in use */
	__u32 process_generation; /* 0 or 1: which classes of struct vd_process hold */
	__u32 rules; /* where this half of vd_rules and vd_rule_counters begins */
	__u32 return_rules; /* RETURN_ACTIONS: the same of what rules do at the return */
	__u64 all[VD_MAX_WORDS];
	__u64 single[VD_MAX_WORDS];
	__u64 start[VD_MAX_WORDS];
	__u64 guard[VD_MAX_WORDS];
	__u64 returns[VD_MAX_WORDS]; /* rules that wait for the return */
	struct vd_dim_tables dims[VD_MAX_DIMS];
	struct vd_dim_tables return_dims[VD_MAX_RETURN_DIMS];
};

/* A row of the integer table. */
struct vd_entry {
	__u64 key;
	__u32 a;
	__u32 b;
};

/* String tables: a longest-prefix-match trie each. */
struct vd_string_key {
	__u32 prefixlen; /* in bits, the state included */
	__u32 state; /* big-endian, so that the trie's order is the number's */
	__u8 data[VD_CHUNK_LEN];
};

struct vd_string_value {
	__u32 next;
	__u32 vector;
	/*
	 * Where the entry is an exact value: its length and 1 for the NUL byte.
	 * A string of another length, a buffer with a NUL byte inside, gets
	 * otherwise in place of vector.
	 */
	__u32 exact;
	__u32 otherwise;
	__u64 sets;
};

/* Rule flags; the numbers of compile.RuleFlags. */
enum vd_rule_flags {
	VD_RULE_POST = 1 << 0,
	VD_RULE_KILL = 1 << 1,
	VD_RULE_SIGNAL = 1 << 2,
	VD_RULE_MONITOR = 1 << 3,
	VD_RULE_RETURN = 1 << 4,
	VD_RULE_NO_POST = 1 << 5,
	VD_RULE_OVERRIDE = 1 << 6,
	VD_RULE_STACK_KERNEL = 1 << 7, /* the event has the stack of the kernel */
	VD_RULE_STACK_USER = 1 << 8, /* and of user space */
	VD_RULE_IMA = 1 << 9, /* the event has the hash of the file */
	VD_RULE_SET = 1 << 14, /* an argument of a static probe is written */
	VD_RULE_TRACK_SOCK = 1 << 10,
	VD_RULE_UNTRACK_SOCK = 1 << 11,
	VD_RULE_NOTIFY = 1 << 12, /* the enforcer of the policy */
	VD_RULE_CLEAN_NOTIFY = 1 << 13, /* what it was notified of is void */
	VD_RULE_TRACK_RETURN = 1 << 15, /* the returned socket */
	VD_RULE_UNTRACK_RETURN = 1 << 16,
	VD_RULE_RETURN_ACTIONS = 1 << 17, /* it has more to do when the call returns */
	VD_RULE_NAMESPACES_TOLD = 1 << 20, /* its event tells a change of namespaces: the next one counts from here */
	VD_RULE_CAPS_TOLD = 1 << 21, /* the same of capabilities */
};

enum vd_fd_op_kind {
	VD_FD_FOLLOW = 1,
	VD_FD_UNFOLLOW = 2,
	VD_FD_COPY = 3,
};

struct vd_fd_op {
	__u8 kind; /* enum vd_fd_op_kind, 0: none */
	__u8 fd; /* slot */
	__u8 other; /* slot */
	__u8 follow_bit;
};

struct vd_rule {
	__u32 flags; /* enum vd_rule_flags */
	__u32 signal;
	struct vd_fd_op fd_ops[VD_MAX_FD_OPS];
	__u64 rate_interval;
	__u64 rate_id; /* the same over all generations, and for no other rule of the hook */
	__u32 rate_scope; /* 0 thread, 1 process, 2 global */
	__s32 error; /* OVERRIDE: what the caller gets, -4095 to -1 */
	__u8 track; /* TRACK_SOCK: slot */
	__u8 untrack; /* UNTRACK_SOCK: slot */
	__u8 track_bit; /* of the policy */
	__u8 registers; /* OVERRIDE at a place in a program: row of vd_overrides and 1, 0 for none */
	__u8 sets; /* SET: bits of vd_sets */
	__u8 notice_bit; /* NOTIFY, CLEAN_NOTIFY: of the policy */
	__u8 zero[2];
	__s32 notice_error; /* NOTIFY: as in struct vd_sentence */
	__u32 notice_signal;
};

/* What a rule has done, per CPU. */
struct vd_rule_counters {
	__u64 post;
	__u64 no_post;
	__u64 signal; /* kills included */
	__u64 monitor_signal;
	__u64 rate_limited;
	__u64 override;
	__u64 monitor_override;
	__u64 set;
	__u64 monitor_set;
	__u64 notify;
	__u64 monitor_notify;
};

/*
 * How this machine's system call tracepoints are read: the one place where
 * the architecture shows.
 */
struct vd_syscall_abi {
	__u32 args[VD_RAW_ARGS]; /* offsets of the arguments in struct pt_regs */
	__u32 number; /* offset of the call's number */
	__u32 compat_status; /* bits of thread_info.status that mark a 32-bit call */
	__u32 fcntl; /* its number */
	__u32 compat; /* the hook is on a 32-bit call: args and number are of those */
	__u32 params[VD_RAW_ARGS]; /* offsets of a function's arguments */
	__u32 result; /* offset of a function's result */
	__u32 stack; /* offset of the stack pointer */
	__u32 popped; /* how much higher the stack pointer is after the return */
	__u32 kernel_bit; /* the bit that is set in the addresses of the kernel, and in no others */
	__u32 x32_bit; /* marks the numbers of another ABI with the same registers, 0: there is none */
};

/* ---- shared maps --------------------------------------------------------- */

/* The order of capability sets in struct vd_process, and of the index of dimensions on them. */
enum vd_cap_set {
	VD_CAPS_EFFECTIVE,
	VD_CAPS_PERMITTED,
	VD_CAPS_INHERITABLE,
	VD_CAP_SETS,
};

/*
 * An event that awaits the hash of its file, keyed by thread id: the record
 * that completes it, but for the hash.
 */
struct vd_hash_record {
	struct vd_hook_record record; /* VD_PHASE_RETURN with all words and two values */
	__u64 vector[VD_MAX_WORDS];
	struct vd_value none; /* in place of a return value */
	struct vd_value hash;
	__u8 digest[VD_MAX_DIGEST];
};

/* What every hook knows of a process; keyed by thread group id. */
struct vd_process {
	__u64 start; /* of the exec id */
	__u64 born; /* of the process itself: the same over all its execs */
	__u64 parent_start;
	__u32 parent_pid;
	__u32 pid;
	__u32 nspid; /* in its own pid namespace, 0 in the host's */
	__u32 flags; /* enum vd_process_flags */
	__u64 sets[2]; /* by process generation, as are the following */
	__u32 binary[2];
	__u32 binary_end[2];
	/* The same of the image that it comes from: its parent's at the fork, or what it executed before. */
	__u64 parent_sets[2];
	__u32 parent_binary[2];
	__u32 parent_binary_end[2];
	/* As they were at the fork, the last exec, or the last event that told a change of them. */
	__u64 caps[VD_CAP_SETS];
	__u32 ns[VD_NS_COUNT];
};

/* What an image was that is no more, for processes that come from it. */
struct vd_origin {
	__u64 sets;
	__u32 binary;
	__u32 binary_end;
};

/* The workload of a cgroup's processes: its class, by process generation. Other cgroups are the host's, class 0. */
struct vd_workload {
	__u32 classes[2];
};

enum vd_workload_class {
	VD_WORKLOAD_HOST = 0,
	VD_WORKLOAD_CONTAINER = 1, /* of which nothing else is known */
};

struct vd_pid_set_key {
	__u32 pid;
	__u16 generation;
	__u16 is_namespace;
};

/* What fork and exec need to know of the policies. */
struct vd_process_policy {
	__u32 binaries[2]; /* by generation: whether binaries are classified */
	__u32 pid_sets[2];
	__u64 init_sets[2]; /* of descendants of pid 1 of a pid namespace */
	/* The task iterator writes the classes of one generation of known processes. */
	__u32 reclassify; /* the generation, 2: none */
	__u32 zero;
	/* For each set of the other generation the same one in this, or 0. */
	__u64 carry[VD_MAX_SETS];
};

/* A followed descriptor. */
struct vd_followed_key {
	__u32 pid;
	__u32 fd;
};

struct vd_followed {
	__u64 mask; /* follow bits of policies */
	__u64 born; /* of the process */
	__u64 file; /* address of the struct file, to see that the fd still is it */
	__u64 inode;
};

struct vd_rate_key {
	__u64 hash; /* of the arguments */
	__u64 hash2;
	__u64 rule; /* vd_rule.rate_id */
	__u64 scope;
};

/* Whom a socket is tracked for; keyed by the address of the struct sock. */
struct vd_sock_owner {
	__u64 trackers; /* bits of policies */
	__u64 start; /* when it was tracked */
	__u64 born;
	__u32 pid;
	__u32 zero;
};

/* A call that awaits its return; keyed by vd_task(), functions by struct vd_call_key. */
struct vd_pending {
	__u64 pair;
	__u32 hook;
	__u32 generation;
	__u32 return_slot;
	__u32 syscall;
	__u32 tid; /* at the entry: an exec can change it */
	__u32 zero;
	__u64 raw[VD_RAW_ARGS];
	__u64 winners[VD_MAX_WORDS];
};

/* One call of a function under way: a function can be called again within itself. */
struct vd_call_key {
	__u64 task; /* vd_task() */
	__u64 frame;
	__u32 hook;
	__u32 zero;
};

/* A system call that is to fail: the guards on its way refuse it. Keyed by thread id. */
struct vd_verdict {
	__s32 error;
	__u32 hook;
};

/* What an enforcer is notified of. */
struct vd_sentence {
	__s32 error; /* -4095 to -1, 0: none */
	__u32 signal; /* 0: none */
};

/*
 * What enforcers have been notified of in the system call that a thread is in, by the bits of their policies. Keyed by
 * thread id.
 */
struct vd_notice {
	__u64 born; /* of the thread */
	__u64 open; /* which sentences are not carried out */
	struct vd_sentence sentences[VD_MAX_ENFORCERS];
};

/* Keys of vd_enforced: numbers of system calls, 32-bit ones with VD_COMPAT_CALL, and of security functions. */
enum vd_enforced_key {
	VD_ENFORCED_FUNCTION = 1 << 29, /* with a number that the loader gives */
};

/* What a program of an enforcer is specialised to. Frozen before load. */
struct vd_enforcer_config {
	__u32 key; /* in vd_enforced, of the function */
	__u32 wrapper; /* 1: the function is that of a system call */
	__u32 number; /* offset of a call's number in struct pt_regs */
	__u32 compat_status; /* as in struct vd_syscall_abi */
	__u32 exits[2]; /* numbers of calls that do not return */
	__u32 verdicts; /* vd_verdict.hook */
	__u32 zero;
};

/* Counters of the kernel side, per CPU; the index says what is counted. */
enum vd_counter {
	VD_COUNT_LOST_BULK, /* records that did not fit in the ring */
	VD_COUNT_LOST_EVIDENCE,
	VD_COUNT_PROCESS_MAP_FULL,
	VD_COUNT_PROCESS_UNKNOWN, /* an event of a process that is not in the map */
	VD_COUNT_SCRATCH_BUSY, /* an event dropped: nested too deep on one CPU */
	VD_COUNT_PENDING_FULL, /* an event told without its return */
	VD_COUNT_FOLLOW_FULL, /* a descriptor that could not be followed */
	VD_COUNT_ARG_FAILED, /* an argument that could not be read */
	VD_COUNT_COMPAT_SYSCALL, /* 32-bit system calls with the number of a hooked one, which no hook sees */
	VD_COUNT_SIGNAL_FAILED, /* bpf_send_signal refused */
	VD_COUNT_EXEC_DATA_LOST,
	VD_COUNT_VERDICT_FULL, /* a call that should have been refused, and was not */
	VD_COUNT_RETURN_LATE, /* a return whose rules are gone */
	VD_COUNT_RETURN_MISSED, /* a return that the kernel had no probe left for; counted by the loader */
	VD_COUNT_SET_FAILED, /* an argument that should have been set, and was not */
	VD_COUNT_REGISTERS_FAILED, /* a call that should have been overridden, and was not */
	VD_COUNT_SKIPPED, /* runs that the kernel skipped; counted by the loader */
	VD_COUNT_WORKLOAD_MAP_FULL, /* a container's cgroup that counts as the host's */
	VD_COUNT_NOTICE_MISSED, /* what an enforcer was notified of and could not carry out */
	VD_COUNTERS,
};

#endif
