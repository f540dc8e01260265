// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"slices"
	"sync"
)

// abi is the table of one ABI in both directions.
type abi struct {
	names   []string
	numbers func() map[string]uint32
}

var abis = map[string]abi{
	"x64":   newABI(x64Names),
	"i386":  newABI(i386Names),
	"arm64": newABI(arm64Names),
	"arm32": newABI(arm32Names),
}

// aliases are other names of system calls: those of the kernel functions that carry them out where
// they differ from the name in the table, which policies use ("sys_newuname"), and names that the
// table of one architecture lacks.
var aliases = map[string]string{
	"newuname":     "uname",
	"newstat":      "stat",
	"newlstat":     "lstat",
	"newfstat":     "fstat",
	"fstatat":      "newfstatat",
	"sendfile64":   "sendfile",
	"umount":       "umount2",
	"sysctl":       "_sysctl",
	"fadvise64_64": "fadvise64",
	"llseek":       "_llseek",
}

func newABI(names []string) abi {
	return abi{names: names, numbers: sync.OnceValue(func() map[string]uint32 {
		numbers := make(map[string]uint32, len(names))
		for number, name := range names {
			if name != "" {
				numbers[name] = uint32(number)
			}
		}
		return numbers
	})}
}

// Name returns the name of the system call with the number, without any prefix ("openat"). It is false
// when the ABI is not known or has no such call.
func Name(abi string, number uint32) (string, bool) {
	names := abis[abi].names
	if uint64(number) >= uint64(len(names)) || names[number] == "" {
		return "", false
	}
	return names[number], true
}

// Number returns the number of the system call. The name may also be that of the kernel's function
// without "sys_" ("newuname" for "uname"). It is false when the ABI is not known or has no such call.
func Number(abi, name string) (uint32, bool) {
	table, ok := abis[abi]
	if !ok {
		return 0, false
	}
	numbers := table.numbers()
	if number, ok := numbers[name]; ok {
		return number, true
	}
	number, ok := numbers[aliases[name]]
	return number, ok
}

// Functions returns the names that the kernel's function of a system call can have, without prefix, the
// likeliest first: "newuname" and "uname" for "uname".
func Functions(name string) []string {
	var functions []string
	for alias, call := range aliases {
		if call == name {
			functions = append(functions, alias)
		}
	}
	slices.Sort(functions)
	return append(functions, name)
}

// Names returns the names of all system calls of the ABI in alphabetical order, nil when it is not known.
func Names(abi string) []string {
	var names []string
	for _, name := range abis[abi].names {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
