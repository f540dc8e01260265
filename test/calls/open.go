// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import "golang.org/x/sys/unix"

// opener plans a call that opens a path with flags and the mode 0644.
type opener func(r *rig, done func(*Attempt) bool, path uintptr, flags uintptr) *plan

func openCalls() []Call {
	return []Call{
		{"open", openVariants(func(r *rig, done func(*Attempt) bool, path, flags uintptr) *plan {
			return r.call(done, unix.SYS_OPEN, path, flags, 0o644)
		})},
		{"openat", openVariants(func(r *rig, done func(*Attempt) bool, path, flags uintptr) *plan {
			return r.call(done, unix.SYS_OPENAT, atCWD, path, flags, 0o644)
		})},
		{"openat2", openVariants(func(r *rig, done func(*Attempt) bool, path, flags uintptr) *plan {
			mode := uintptr(0)
			if flags&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
				mode = 0o644
			}
			return r.call(done, unix.SYS_OPENAT2, atCWD, path, r.words(flags, mode, 0), 24)
		})},
		{"creat", []Variant{
			{Name: "new", prepare: func(r *rig) *plan {
				return r.call(r.appears("new"), unix.SYS_CREAT, r.name("new"), 0o644)
			}},
			{Name: "truncate", prepare: func(r *rig) *plan {
				return r.call(r.emptied("f"), unix.SYS_CREAT, r.file("f", "content"), 0o644)
			}},
		}},
		one("open_by_handle_at", openByHandle),
	}
}

func openVariants(open opener) []Variant {
	return []Variant{
		{Name: "read", prepare: func(r *rig) *plan { return open(r, newDescriptor, r.file("f", "x"), unix.O_RDONLY) }},
		{Name: "create", prepare: func(r *rig) *plan {
			return open(r, r.appears("new"), r.name("new"), unix.O_CREAT|unix.O_WRONLY)
		}},
		{Name: "create exclusive", prepare: func(r *rig) *plan {
			return open(r, r.appears("new"), r.name("new"), unix.O_CREAT|unix.O_EXCL|unix.O_RDWR)
		}},
		{Name: "truncate", prepare: func(r *rig) *plan {
			return open(r, r.emptied("f"), r.file("f", "content"), unix.O_TRUNC|unix.O_WRONLY)
		}},
		{Name: "create over", prepare: func(r *rig) *plan {
			return open(r, r.emptied("f"), r.file("f", "content"), unix.O_CREAT|unix.O_TRUNC|unix.O_WRONLY)
		}},
		{Name: "temporary", prepare: func(r *rig) *plan {
			return open(r, newDescriptor, r.text(r.dir), unix.O_TMPFILE|unix.O_RDWR)
		}},
		{Name: "path", prepare: func(r *rig) *plan { return open(r, newDescriptor, r.file("f", "x"), unix.O_PATH) }},
		{Name: "path of the root", prepare: func(r *rig) *plan { return open(r, newDescriptor, r.text("/"), unix.O_PATH) }},
		{Name: "directory", prepare: func(r *rig) *plan {
			return open(r, newDescriptor, r.text(r.dir), unix.O_DIRECTORY|unix.O_RDONLY)
		}},
		{Name: "device", prepare: func(r *rig) *plan { return open(r, newDescriptor, r.text("/dev/null"), unix.O_RDWR) }},
	}
}

// emptied reports an effect: the file is there and has no content.
func (r *rig) emptied(name string) func(*Attempt) bool {
	return func(*Attempt) bool { return r.stat(name).Size == 0 }
}

func openByHandle(r *rig) *plan {
	r.file("f", "x")
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, r.path("f"), 0)
	r.must(err, "name_to_handle_at")
	space := r.space(8 + handle.Size())
	putUint32(space, uint32(handle.Size()))
	putUint32(space[4:], uint32(handle.Type()))
	copy(space[8:], handle.Bytes())
	return r.call(newDescriptor, unix.SYS_OPEN_BY_HANDLE_AT, r.open("", unix.O_RDONLY), address(space), unix.O_RDONLY)
}
