// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"golang.org/x/sys/unix"
)

// ipcKey is of this package's own choosing; IPC_CREAT|IPC_EXCL fails when someone else has it.
const ipcKey = 0x7664746b

// ipcKind is one of the three kinds of System V objects.
type ipcKind struct {
	get, control uintptr
	// size is the second argument of get; queues have none, their flags come there.
	size []uintptr
}

var (
	sharedMemory = ipcKind{unix.SYS_SHMGET, unix.SYS_SHMCTL, []uintptr{4096}}
	messageQueue = ipcKind{unix.SYS_MSGGET, unix.SYS_MSGCTL, nil}
	semaphores   = ipcKind{unix.SYS_SEMGET, unix.SYS_SEMCTL, []uintptr{1}}
)

// getArgs are the arguments of get.
func (k ipcKind) getArgs(flags uintptr) []uintptr {
	return append(append([]uintptr{ipcKey}, k.size...), flags|0o600)
}

// find returns the object, and whether it is there.
func (k ipcKind) find(flags uintptr) (uintptr, bool) {
	args := append(k.getArgs(flags), 0)
	id, _, errno := unix.Syscall(k.get, args[0], args[1], args[2])
	return id, errno == 0
}

func (k ipcKind) remove() {
	if id, ok := k.find(0); ok {
		args := []uintptr{id, unix.IPC_RMID, 0, 0}
		if k.control == unix.SYS_SEMCTL {
			args = []uintptr{id, 0, unix.IPC_RMID, 0}
		}
		_, _, _ = unix.Syscall6(k.control, args[0], args[1], args[2], args[3], 0, 0)
	}
}

// object makes an object for the test.
func (r *rig) object(k ipcKind) uintptr {
	r.tb.Helper()
	r.tb.Cleanup(k.remove)
	id, ok := k.find(unix.IPC_CREAT | unix.IPC_EXCL)
	if !ok {
		r.tb.Fatal("making a System V object: the key is in use")
	}
	return id
}

func ipcCalls() []Call {
	get := func(name string, k ipcKind) Call {
		return Call{name, []Variant{
			{Name: "new", prepare: func(r *rig) *plan {
				r.tb.Cleanup(k.remove)
				done := func(*Attempt) bool { _, ok := k.find(0); return ok }
				return r.call(done, k.get, k.getArgs(unix.IPC_CREAT|unix.IPC_EXCL)...)
			}},
			{Name: "existing", prepare: func(r *rig) *plan {
				r.object(k)
				return r.call(returns, k.get, k.getArgs(0)...)
			}},
		}}
	}
	gone := func(k ipcKind) func(*Attempt) bool {
		return func(*Attempt) bool { _, ok := k.find(0); return !ok }
	}
	value := func(id uintptr) func(*Attempt) bool {
		return func(*Attempt) bool {
			const getValue = 12
			n, _, _ := unix.Syscall6(unix.SYS_SEMCTL, id, 0, getValue, 0, 0, 0)
			return n == 1
		}
	}
	// raise is a sembuf: semaphore 0, plus 1.
	raise := func(r *rig) uintptr { return r.words(1 << 16) }
	return []Call{
		get("shmget", sharedMemory), get("msgget", messageQueue), get("semget", semaphores),
		one("shmat", func(r *rig) *plan {
			return r.call(func(a *Attempt) bool { return mapped(a, "", "SYSV7664746b") }, unix.SYS_SHMAT, r.object(sharedMemory), 0, 0)
		}),
		one("shmctl", func(r *rig) *plan {
			return r.call(gone(sharedMemory), unix.SYS_SHMCTL, r.object(sharedMemory), unix.IPC_RMID, 0)
		}),
		one("msgctl", func(r *rig) *plan {
			return r.call(gone(messageQueue), unix.SYS_MSGCTL, r.object(messageQueue), unix.IPC_RMID, 0)
		}),
		one("msgsnd", func(r *rig) *plan {
			id := r.object(messageQueue)
			b := r.space(16)
			done := func(*Attempt) bool {
				_, _, errno := unix.Syscall6(unix.SYS_MSGRCV, id, address(b), 8, 0, unix.IPC_NOWAIT, 0)
				return errno == 0
			}
			return r.call(done, unix.SYS_MSGSND, id, r.words(1, 1), 8, 0)
		}),
		{"semctl", []Variant{
			{Name: "IPC_RMID", prepare: func(r *rig) *plan {
				return r.call(gone(semaphores), unix.SYS_SEMCTL, r.object(semaphores), 0, unix.IPC_RMID, 0)
			}},
			{Name: "SETVAL", Replaced: unix.EACCES, prepare: func(r *rig) *plan {
				const setValue = 16
				id := r.object(semaphores)
				return r.call(value(id), unix.SYS_SEMCTL, id, 0, setValue, 1)
			}},
		}},
		one("semop", func(r *rig) *plan {
			id := r.object(semaphores)
			return r.call(value(id), unix.SYS_SEMOP, id, raise(r), 1)
		}),
		one("semtimedop", func(r *rig) *plan {
			id := r.object(semaphores)
			return r.call(value(id), unix.SYS_SEMTIMEDOP, id, raise(r), 1, 0)
		}),
	}
}
