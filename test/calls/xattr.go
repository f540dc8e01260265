// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"strings"

	"golang.org/x/sys/unix"
)

// An extended attribute that any tmpfs has, and a POSIX access list, which newer kernels treat apart.
const (
	attribute  = "trusted.vedette"
	accessList = "system.posix_acl_access"
)

// accessListValue is version 2 and u::rw-, u:7:r--, g::r--, m::r--, o::r--.
var accessListValue = []byte{
	2, 0, 0, 0,
	1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
	2, 0, 4, 0, 7, 0, 0, 0,
	4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
	0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
	0x20, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
}

// xattrNumbers are the calls by path, by path without following a link, and by descriptor.
var xattrNumbers = []struct {
	prefix                 string
	set, get, remove, list uintptr
}{
	{"", unix.SYS_SETXATTR, unix.SYS_GETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LISTXATTR},
	{"l", unix.SYS_LSETXATTR, unix.SYS_LGETXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_LLISTXATTR},
	{"f", unix.SYS_FSETXATTR, unix.SYS_FGETXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_FLISTXATTR},
}

func xattrCalls() []Call {
	var all []Call
	for _, n := range xattrNumbers {
		file := func(r *rig) uintptr { return r.file("f", "x") }
		if n.prefix == "f" {
			file = func(r *rig) uintptr { return r.opened("f", "x", unix.O_RDWR) }
		}
		all = append(all,
			Call{n.prefix + "setxattr", xattrVariants(func(r *rig, name string, value []byte) *plan {
				b := r.space(len(value))
				copy(b, value)
				return r.call(func(*Attempt) bool { return r.hasAttribute(name) }, n.set, file(r), r.text(name), address(b), uintptr(len(value)), 0)
			})},
			Call{n.prefix + "getxattr", xattrVariants(func(r *rig, name string, value []byte) *plan {
				b, f := r.space(64), file(r)
				r.setAttribute(name, value)
				return r.call(filled(b), n.get, f, r.text(name), address(b), 64)
			})},
			Call{n.prefix + "removexattr", xattrVariants(func(r *rig, name string, value []byte) *plan {
				f := file(r)
				r.setAttribute(name, value)
				return r.call(func(*Attempt) bool { return !r.hasAttribute(name) }, n.remove, f, r.text(name))
			})},
			one(n.prefix+"listxattr", func(r *rig) *plan {
				b, f := r.space(64), file(r)
				r.setAttribute(attribute, []byte("v"))
				return r.call(filled(b), n.list, f, address(b), 64)
			}))
	}
	return all
}

func xattrVariants(prepare func(r *rig, name string, value []byte) *plan) []Variant {
	return []Variant{
		{Name: "attribute", prepare: func(r *rig) *plan { return prepare(r, attribute, []byte("value")) }},
		{Name: "access list", prepare: func(r *rig) *plan { return prepare(r, accessList, accessListValue) }},
	}
}

func (r *rig) setAttribute(name string, value []byte) {
	r.tb.Helper()
	r.must(unix.Setxattr(r.path("f"), name, value, 0), "setxattr")
}

func (r *rig) hasAttribute(name string) bool {
	b := make([]byte, 256)
	n, err := unix.Listxattr(r.path("f"), b)
	r.must(err, "listxattr")
	return strings.Contains(string(b[:n]), name)
}
