// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Calls that watch files.
func notifyCalls() []Call {
	return []Call{
		one("inotify_add_watch", func(r *rig) *plan {
			fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
			r.must(err, "inotify_init1")
			return r.call(watches(r.fd(fd), "inotify wd:"), unix.SYS_INOTIFY_ADD_WATCH, uintptr(fd), r.text(r.dir), unix.IN_CREATE)
		}),
		{"fanotify_mark", []Variant{
			{Name: "inode", prepare: fanotifyMark(0, "fanotify ino:")},
			{Name: "mount", prepare: fanotifyMark(unix.FAN_MARK_MOUNT, "fanotify mnt_id:")},
			{Name: "file system", prepare: fanotifyMark(unix.FAN_MARK_FILESYSTEM, "fanotify sdev:")},
		}},
	}
}

func fanotifyMark(flags uintptr, line string) func(*rig) *plan {
	return func(r *rig) *plan {
		fd, err := unix.FanotifyInit(unix.FAN_CLOEXEC, unix.O_RDONLY)
		r.must(err, "fanotify_init")
		return r.call(watches(r.fd(fd), line), unix.SYS_FANOTIFY_MARK, uintptr(fd), unix.FAN_MARK_ADD|flags, unix.FAN_OPEN, atCWD, r.text(r.dir))
	}
}

// watches reports an effect: the descriptor has a mark, a line of its fdinfo.
func watches(fd uintptr, line string) func(*Attempt) bool {
	return func(*Attempt) bool {
		b, _ := os.ReadFile("/proc/self/fdinfo/" + itoa(int(fd)))
		return strings.Contains(string(b), "\n"+line)
	}
}
