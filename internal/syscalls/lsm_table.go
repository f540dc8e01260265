// SPDX-License-Identifier: Apache-2.0

package syscalls

import "syscall"

// needs says since when kernels have the hooks that not all supported ones have, for errors.
var needs = map[SecurityHook]string{
	"path_chroot":        " (CONFIG_SECURITY_PATH)",
	"quotactl":           " (CONFIG_QUOTA)",
	"task_fix_setgroups": " (since Linux 6.0)",
	"userns_create":      " (since Linux 6.1)",
}

// refusalRow gives the calls, separated by spaces, one refusal.
type refusalRow struct {
	calls string
	Refusal
}

func by(hooks ...SecurityHook) Refusal { return Refusal{Hooks: hooks} }

// refusalTable is proven call by call and kernel by kernel by the tests of test/calls.
//
// Opening rests on file_alloc_security and not on file_open: it comes before a file is created or
// truncated, and O_PATH passes it too, which skips file_open. The same hook is the first, and on most the
// only one, of the calls that make a descriptor of another kind.
//
// Not in the table, because only "capable" or nothing is asked, whose answer is EPERM in any case:
// reboot, sethostname, setns, mount_setattr, delete_module, adjtimex, seccomp, close, dup, pipe to pipe
// copies (tee, vmsplice) and the like. Also not: process_vm_readv, process_vm_writev, kcmp and
// process_madvise (ptrace_access_check, but its errno becomes EPERM); setfsuid and setfsgid (they return
// the old id, whatever the hook says); msgrcv (a refused message is passed over); fsmount and fsconfig
// (their context is changed before the hook); keyctl and request_key (a key that is refused is not
// seen, which changes the errno, and some commands ask nothing).
var refusalTable = []refusalRow{
	// Descriptors.
	{"open openat openat2 creat open_by_handle_at", by("file_alloc_security")},
	{"open_tree fsopen fspick", by("file_alloc_security")},
	{"memfd_create memfd_secret eventfd eventfd2 timerfd_create epoll_create epoll_create1", by("file_alloc_security")},
	{"inotify_init inotify_init1 fanotify_init userfaultfd pidfd_open pipe pipe2 io_uring_setup", by("file_alloc_security")},
	{"signalfd signalfd4", Refusal{
		Hooks: []SecurityHook{"file_alloc_security"}, Gap: "changing the mask of a descriptor that is there"}},
	{"mq_open", by("inode_create", "file_alloc_security")},
	{"pidfd_getfd", by("file_receive")},
	{"swapon swapoff", by("file_alloc_security")},
	{"acct", Refusal{Hooks: []SecurityHook{"file_alloc_security"}, Gap: "turning accounting off"}},

	// Names: the inode hooks, which need no CONFIG_SECURITY_PATH and come right before the change.
	{"mkdir mkdirat", by("inode_mkdir")},
	{"rmdir", by("inode_rmdir")},
	{"unlink mq_unlink", by("inode_unlink")},
	{"unlinkat", by("inode_unlink", "inode_rmdir")},
	{"rename renameat renameat2", by("inode_rename")},
	{"link linkat", by("inode_link")},
	{"symlink symlinkat", by("inode_symlink")},
	{"mknod mknodat", by("inode_mknod", "inode_create")},
	{"readlink readlinkat", by("inode_readlink")},
	{"chdir fchdir access faccessat faccessat2", by("inode_permission")},
	{"chroot", by("path_chroot")},

	// Attributes: everything that changes one of an inode, its size too, passes inode_setattr.
	{"truncate ftruncate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat", by("inode_setattr")},
	{"utime utimes futimesat utimensat", by("inode_setattr")},
	{"stat lstat fstat newfstatat statx", by("inode_getattr")},
	{"statfs fstatfs", by("sb_statfs")},
	// Since 6.2 access lists have hooks of their own.
	{"setxattr lsetxattr fsetxattr", Refusal{
		Hooks: []SecurityHook{"inode_setxattr"}, Newer: []SecurityHook{"inode_set_acl"}}},
	{"getxattr lgetxattr fgetxattr", Refusal{
		Hooks: []SecurityHook{"inode_getxattr"}, Newer: []SecurityHook{"inode_get_acl"}}},
	{"removexattr lremovexattr fremovexattr", Refusal{
		Hooks: []SecurityHook{"inode_removexattr"}, Newer: []SecurityHook{"inode_remove_acl"}}},
	{"listxattr llistxattr flistxattr", by("inode_listxattr")},

	// Contents.
	{"read pread64 readv preadv preadv2 write pwrite64 writev pwritev pwritev2", by("file_permission")},
	{"sendfile copy_file_range getdents getdents64 fallocate", by("file_permission")},
	{"splice", Refusal{Hooks: []SecurityHook{"file_permission"}, Gap: "from a pipe to a pipe"}},
	{"mmap", by("mmap_file")},
	{"mprotect pkey_mprotect", by("file_mprotect")},
	{"ioctl", by("file_ioctl")},
	{"fcntl", by("file_fcntl")},
	{"flock", by("file_lock")},
	{"inotify_add_watch", by("path_notify")},
	{"fanotify_mark", Refusal{Hooks: []SecurityHook{"path_notify"}, Gap: "FAN_MARK_FLUSH"}},

	// Mounts.
	{"mount", by("sb_mount")},
	{"umount2", by("sb_umount")},
	{"move_mount", by("move_mount")},
	{"pivot_root", by("sb_pivotroot")},
	{"quotactl", by("quotactl")},

	// Sockets.
	{"socket socketpair", by("socket_create")},
	{"connect", by("socket_connect")},
	{"bind", by("socket_bind")},
	{"listen", by("socket_listen")},
	{"accept accept4", by("socket_accept")},
	{"sendto sendmsg sendmmsg", by("socket_sendmsg")},
	{"recvfrom recvmsg recvmmsg", by("socket_recvmsg")},
	{"setsockopt", by("socket_setsockopt")},
	{"getsockopt", by("socket_getsockopt")},
	{"shutdown", by("socket_shutdown")},
	{"getsockname", by("socket_getsockname")},
	{"getpeername", by("socket_getpeername")},

	// Processes.
	{"execve execveat", by("bprm_creds_for_exec")},
	{"clone clone3 fork vfork", by("task_alloc")},
	{"unshare", Refusal{Hooks: []SecurityHook{"userns_create"}, Gap: "all but CLONE_NEWUSER"}},
	{"ptrace", Refusal{Hooks: []SecurityHook{"ptrace_access_check", "ptrace_traceme"},
		Gap: "requests to a process that is traced already"}},
	{"kill", Refusal{Hooks: []SecurityHook{"task_kill"},
		Note: "kill(-1, …) refused with EPERM returns 0"}},
	{"tkill tgkill", by("task_kill")},
	// The kernel trusts si_code > 0, which a process may give only to itself.
	{"rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal", Refusal{
		Hooks: []SecurityHook{"task_kill"}, Gap: "to itself with a positive si_code"}},
	{"setuid setreuid setresuid", by("task_fix_setuid")},
	{"setgid setregid setresgid", by("task_fix_setgid")},
	{"setgroups", by("task_fix_setgroups")},
	{"capset", by("capset")},
	{"capget", by("capget")},
	{"setpgid", by("task_setpgid")},
	{"getpgid", Refusal{Hooks: []SecurityHook{"task_getpgid"}, Gap: "getpgid(0)"}},
	{"getsid", Refusal{Hooks: []SecurityHook{"task_getsid"}, Gap: "getsid(0)"}},
	{"setpriority", by("task_setnice")},
	{"ioprio_set", by("task_setioprio")},
	{"sched_setscheduler sched_setparam sched_setattr sched_setaffinity", by("task_setscheduler")},
	{"sched_getscheduler sched_getparam sched_getattr sched_getaffinity sched_rr_get_interval", by("task_getscheduler")},
	{"setrlimit", by("task_setrlimit")},
	{"prlimit64", Refusal{Hooks: []SecurityHook{"task_setrlimit", "task_prlimit"},
		Gap: "reading limits of its own"}},
	// The hook of prctl says ENOSYS for "not mine", and the call goes on.
	{"prctl", Refusal{Hooks: []SecurityHook{"task_prctl"}, Leave: []syscall.Errno{syscall.ENOSYS}}},

	// System V.
	{"shmget", by("shm_alloc_security", "shm_associate")},
	{"shmat", by("shm_shmat")},
	{"shmctl", by("shm_shmctl")},
	{"msgget", by("msg_queue_alloc_security", "msg_queue_associate")},
	{"msgsnd", by("msg_queue_msgsnd")},
	{"msgctl", by("msg_queue_msgctl")},
	{"semget", by("sem_alloc_security", "sem_associate")},
	{"semop semtimedop", by("sem_semop")},
	{"semctl", Refusal{Hooks: []SecurityHook{"sem_semctl"}, Note: "SETVAL returns EACCES"}},

	// The kernel.
	{"bpf", by("bpf")},
	{"perf_event_open", by("perf_event_open")},
	{"init_module kexec_load", by("kernel_load_data")},
	{"finit_module", by("kernel_read_file")},
	{"kexec_file_load", Refusal{Hooks: []SecurityHook{"kernel_read_file"}, Gap: "KEXEC_FILE_UNLOAD"}},
	{"syslog", by("syslog")},
	{"settimeofday", by("settime")},
	{"clock_settime", Refusal{Hooks: []SecurityHook{"settime"}, Gap: "clocks other than CLOCK_REALTIME"}},
	// The ring of the caller may be made before the key is refused, so both are asked.
	{"add_key", by("key_permission", "key_alloc")},
}
