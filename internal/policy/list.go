// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
)

// The types of spec.lists; a list without type names functions.
const (
	ListTypePlain             = ""
	ListTypeSyscalls          = "syscalls"
	ListTypeGeneratedSyscalls = "generated_syscalls"
	ListTypeGeneratedFtrace   = "generated_ftrace"
)

var listTypes = []string{ListTypeSyscalls, ListTypeGeneratedSyscalls, ListTypeGeneratedFtrace}

// listPrefix marks a call or a value as the name of a list.
const listPrefix = "list:"

// ListReference returns the name of the list that a call or a value refers
// to with "list:NAME", and whether it does.
func ListReference(value string) (name string, ok bool) {
	return strings.CutPrefix(value, listPrefix)
}

// List returns the list with the name, or nil.
func (s *Spec) List(name string) *List {
	i := slices.IndexFunc(s.Lists, func(l List) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Lists[i]
}

// IsSyscalls reports whether the list's entries are system calls.
func (l *List) IsSyscalls() bool {
	return l.Type == ListTypeSyscalls || l.Type == ListTypeGeneratedSyscalls
}

// syscallPrefixes are what architectures put before the sys_ of a system
// call's function; one that is the beginning of another comes behind that.
var syscallPrefixes = []string{"__x64_", "__ia32_compat_", "__ia32_", "__arm64_compat_", "__arm64_"}

// syscallABIs are the prefixes that a list's entry can have to name the
// binary interface.
var syscallABIs = []string{"x64", "i386", "arm64", "arm32"}

// SyscallName returns the name of the system call that a function
// implements, "read" for sys_read and __x64_sys_read, and whether it is one.
func SyscallName(function string) (name string, ok bool) {
	for _, prefix := range syscallPrefixes {
		if rest, found := strings.CutPrefix(function, prefix); found {
			function = rest
			break
		}
	}
	name, ok = strings.CutPrefix(function, "sys_")
	if !ok || name == "" {
		return "", false
	}
	return name, true
}

// isSecurityHook reports whether a function is a hook of the security
// modules' framework, whose result a policy can override.
func isSecurityHook(function string) bool { return strings.HasPrefix(function, "security_") }
