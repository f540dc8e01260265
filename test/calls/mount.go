// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Calls that change mounts. They work in the mount namespace of the test, under
// the rig's own tmpfs, which is made private: moves are not possible in a shared one.
func mountCalls() []Call {
	tree := func(flags uintptr) func(*rig) *plan {
		return func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_OPEN_TREE, atCWD, r.text(r.dir), flags) }
	}
	mount := func(name string, prepare func(*rig) *plan) Variant {
		return Variant{Name: name, prepare: func(r *rig) *plan {
			r.must(unix.Mount("", r.dir, "", unix.MS_PRIVATE, ""), "make a mount private")
			return prepare(r)
		}}
	}
	return []Call{
		{"mount", []Variant{
			mount("new", func(r *rig) *plan {
				return r.call(r.mounted("d"), unix.SYS_MOUNT, r.text("none"), r.directory("d"), r.text("tmpfs"), 0, 0)
			}),
			mount("bind", func(r *rig) *plan {
				return r.call(r.mounted("d"), unix.SYS_MOUNT, r.text(r.dir), r.directory("d"), 0, unix.MS_BIND, 0)
			}),
			mount("remount", func(r *rig) *plan {
				return r.call(r.readOnly, unix.SYS_MOUNT, 0, r.text(r.dir), 0, unix.MS_REMOUNT|unix.MS_RDONLY, 0)
			}),
			mount("remount bind", func(r *rig) *plan {
				return r.call(r.readOnly, unix.SYS_MOUNT, 0, r.text(r.dir), 0, unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, 0)
			}),
			mount("move", func(r *rig) *plan {
				return r.call(r.mounted("e"), unix.SYS_MOUNT, r.mountPoint("d"), r.directory("e"), 0, unix.MS_MOVE, 0)
			}),
			mount("propagation", func(r *rig) *plan {
				done := func(*Attempt) bool { return strings.Contains(r.mountLine(""), "shared:") }
				return r.call(done, unix.SYS_MOUNT, 0, r.text(r.dir), 0, unix.MS_SHARED, 0)
			}),
		}},
		{"umount2", []Variant{
			mount("plain", func(r *rig) *plan {
				return r.call(r.unmounted("d"), unix.SYS_UMOUNT2, r.mountPoint("d"), 0)
			}),
			mount("detach", func(r *rig) *plan {
				return r.call(r.unmounted("d"), unix.SYS_UMOUNT2, r.mountPoint("d"), unix.MNT_DETACH)
			}),
		}},
		{"move_mount", []Variant{mount("move", func(r *rig) *plan {
			return r.call(r.mounted("e"), unix.SYS_MOVE_MOUNT, atCWD, r.mountPoint("d"), atCWD, r.directory("e"), 0)
		}), mount("attach", func(r *rig) *plan {
			fd, err := unix.OpenTree(unix.AT_FDCWD, r.dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
			r.must(err, "open_tree")
			return r.call(r.mounted("e"), unix.SYS_MOVE_MOUNT, r.fd(fd), r.text(""), atCWD, r.directory("e"), unix.MOVE_MOUNT_F_EMPTY_PATH)
		})}},
		{"open_tree", []Variant{{Name: "plain", prepare: tree(0)}, {Name: "clone", prepare: tree(unix.OPEN_TREE_CLONE)}}},
		one("fsopen", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_FSOPEN, r.text("tmpfs"), 0) }),
		one("fspick", func(r *rig) *plan { return r.call(newDescriptor, unix.SYS_FSPICK, atCWD, r.text(r.dir), 0) }),
		one("pivot_root", pivotRoot),
	}
}

// pivotRoot works in a mount namespace of the child: from the rig's tmpfs as
// its root to another one in it.
func pivotRoot(r *rig) *plan {
	r.must(unix.Mount("", r.dir, "", unix.MS_PRIVATE, ""), "make a mount private")
	r.mountPoint("d")
	r.directory("d/old")
	r.file("d/marker", "x")
	// Seen through the child's root.
	done := func(a *Attempt) bool {
		_, err := os.Lstat("/proc/" + itoa(a.Process) + "/root/marker")
		return err == nil
	}
	return r.call(done, unix.SYS_PIVOT_ROOT, r.text("/d"), r.text("/d/old")).
		first(unix.SYS_UNSHARE, unix.CLONE_NEWNS).
		first(unix.SYS_MOUNT, 0, r.text("/"), 0, unix.MS_REC|unix.MS_PRIVATE, 0).
		first(unix.SYS_CHROOT, r.text(r.dir)).
		first(unix.SYS_CHDIR, r.text("/"))
}

// mountPoint makes a directory with a tmpfs on it and returns the address of its path.
func (r *rig) mountPoint(name string) uintptr {
	r.tb.Helper()
	path := r.directory(name)
	r.mount(r.path(name))
	r.must(unix.Mount("", r.path(name), "", unix.MS_PRIVATE, ""), "make a mount private")
	return path
}

// mountLine is the line of the mount on the name, empty for none.
func (r *rig) mountLine(name string) string {
	b, err := os.ReadFile("/proc/self/mountinfo")
	r.must(err, "read the mounts")
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == r.path(name) {
			return line
		}
	}
	return ""
}

func (r *rig) mounted(name string) func(*Attempt) bool {
	return func(*Attempt) bool { return r.mountLine(name) != "" }
}

func (r *rig) unmounted(name string) func(*Attempt) bool {
	return func(*Attempt) bool { return r.mountLine(name) == "" }
}

func (r *rig) readOnly(*Attempt) bool {
	var st unix.Statfs_t
	r.must(unix.Statfs(r.dir, &st), "statfs")
	return st.Flags&unix.ST_RDONLY != 0
}
