// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import "golang.org/x/sys/unix"

// Calls that make a descriptor.
func descriptorCalls() []Call {
	return []Call{
		one("memfd_create", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_MEMFD_CREATE, r.text("m"), 0) }),
		one("memfd_secret", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_MEMFD_SECRET, 0) }),
		one("eventfd", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_EVENTFD, 0) }),
		one("eventfd2", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_EVENTFD2, 0, 0) }),
		one("timerfd_create", func(r *rig) *plan {
			return r.call(newDescriptor, unix.SYS_TIMERFD_CREATE, unix.CLOCK_MONOTONIC, 0)
		}),
		one("epoll_create", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_EPOLL_CREATE, 1) }),
		one("epoll_create1", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_EPOLL_CREATE1, 0) }),
		one("signalfd", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_SIGNALFD, ^uintptr(0), r.words(1), 8) }),
		one("signalfd4", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_SIGNALFD4, ^uintptr(0), r.words(1), 8, 0) }),
		one("inotify_init", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_INOTIFY_INIT) }),
		one("inotify_init1", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_INOTIFY_INIT1, 0) }),
		one("fanotify_init", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_FANOTIFY_INIT, 0, 0) }),
		one("userfaultfd", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_USERFAULTFD, unix.O_CLOEXEC) }),
		one("pipe", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_PIPE, r.ints(0, 0)) }),
		one("pipe2", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_PIPE2, r.ints(0, 0), unix.O_CLOEXEC) }),
		one("io_uring_setup", func(r *rig) *plan {
			return r.call(newDescriptor, unix.SYS_IO_URING_SETUP, 4, address(r.space(120)))
		}),
		one("pidfd_open", func(r *rig) *plan {
			return r.call(newDescriptor, unix.SYS_PIDFD_OPEN, uintptr(r.start(gate()).pid), 0)
		}),
		one("pidfd_getfd", pidfdGetfd),
		{"mq_open", []Variant{
			{Name: "new", prepare: mqOpen},
			{Name: "existing", prepare: func(r *rig) *plan {
				name := r.queue()
				return r.call(newDescriptor, unix.SYS_MQ_OPEN, name, unix.O_RDONLY, 0, 0)
			}},
		}},
		one("mq_unlink", mqUnlink),
	}
}

func pidfdGetfd(r *rig) *plan {
	null := r.fd(mustOpen(r, "/dev/null"))
	pidfd, err := unix.PidfdOpen(r.start(gate()).pid, 0)
	r.must(err, "pidfd_open")
	return r.call(newDescriptor, unix.SYS_PIDFD_GETFD, r.fd(pidfd), null, 0)
}

func mustOpen(r *rig, path string) int {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	r.must(err, "open "+path)
	return fd
}

const queueName = "vedette-calls"

// openQueue opens the message queue, and reports whether it could.
func openQueue(name, flags uintptr) bool {
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, name, flags|unix.O_RDWR, 0o600, 0, 0, 0)
	if errno != 0 {
		return false
	}
	_ = unix.Close(int(fd))
	return true
}

// noQueue removes the message queue now and with the test, and returns the address of its name.
func (r *rig) noQueue() uintptr {
	name := r.text(queueName)
	remove := func() { _, _, _ = unix.Syscall(unix.SYS_MQ_UNLINK, name, 0, 0) }
	remove()
	r.tb.Cleanup(remove)
	return name
}

// queue makes the message queue and returns the address of its name.
func (r *rig) queue() uintptr {
	r.tb.Helper()
	name := r.noQueue()
	if !openQueue(name, unix.O_CREAT) {
		r.tb.Fatal("no message queue can be made")
	}
	return name
}

func mqOpen(r *rig) *plan {
	name := r.noQueue()
	done := func(a *Attempt) bool { return openQueue(name, 0) || newDescriptor(a) }
	return r.call(done, unix.SYS_MQ_OPEN, name, unix.O_CREAT|unix.O_RDWR, 0o600, 0)
}

func mqUnlink(r *rig) *plan {
	name := r.queue()
	return r.call(func(*Attempt) bool { return !openQueue(name, 0) }, unix.SYS_MQ_UNLINK, name)
}
