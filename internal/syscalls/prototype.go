// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Param is a parameter of a system call.
type Param struct {
	// Type is its C type, "const char *".
	Type string
	Name string
}

// prototypes.txt declares one system call a line as the kernel's SYSCALL_DEFINE macros do.
//
//go:embed prototypes.txt
var prototypeText string

// prototypes_i386.txt declares those i386 calls that take other registers than the call of x86-64 with
// the same name, or that x86-64 has under no name.
//
//go:embed prototypes_i386.txt
var compatPrototypeText string

var (
	prototypes       = sync.OnceValue(func() map[string][]Param { return parsePrototypes("prototypes.txt", prototypeText) })
	compatPrototypes = sync.OnceValue(func() map[string][]Param {
		return parsePrototypes("prototypes_i386.txt", compatPrototypeText)
	})
)

func parsePrototypes(file, text string) map[string][]Param {
	all := make(map[string][]Param)
	for line := range strings.Lines(text) {
		name, params, err := parsePrototype(strings.TrimSpace(line))
		if err != nil {
			panic(file + ": " + err.Error())
		}
		all[name] = params
	}
	return all
}

// Prototype returns the parameters of a common system call as the Linux ABI of 64-bit architectures
// declares them. The name is that of [Name], or an alias as in [Number]. It is false for calls that it
// does not know.
func Prototype(name string) ([]Param, bool) {
	params, ok := prototypes()[name]
	if !ok {
		params, ok = prototypes()[aliases[name]]
	}
	return params, ok
}

// CompatPrototype returns the parameters of a common i386 call as [Prototype] does: one for each register,
// so that a value of 64 bits is two. The sizes of the types are those of 32-bit programs.
func CompatPrototype(name string) ([]Param, bool) {
	if params, ok := compatPrototypes()[name]; ok {
		return params, true
	}
	return Prototype(SameCall(name))
}

func parsePrototype(line string) (string, []Param, error) {
	name, rest, found := strings.Cut(line, "(")
	list, ok := strings.CutSuffix(rest, ")")
	if !found || !ok || name == "" {
		return "", nil, fmt.Errorf("%q is no prototype", line)
	}
	params := []Param{}
	if list == "" {
		return name, params, nil
	}
	for text := range strings.SplitSeq(list, ", ") {
		end := strings.LastIndexAny(text, " *") + 1
		param := Param{Type: strings.TrimSpace(text[:end]), Name: text[end:]}
		if param.Type == "" || param.Name == "" {
			return "", nil, fmt.Errorf("%q: %q is no parameter", line, text)
		}
		params = append(params, param)
	}
	return name, params, nil
}
