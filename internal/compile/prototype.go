// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// lookUp finds the prototype of a hook where types are at hand. What is wrong
// with the hook's name is reported at the path; the error is [ErrNotFound].
func (f *frontend) lookUp(hook *hookContext, path string) error {
	err := f.describe(hook)
	if err != nil {
		f.errorf(path, "%v", err)
	}
	return err
}

// describe finds the prototype of a hook where types are at hand. It returns
// an error only where there is no such hook.
func (f *frontend) describe(hook *hookContext) error {
	if f.in.Types == nil {
		hook.prototype = tabled(hook.key)
		return nil
	}
	p, err := f.in.Types.Prototype(hook.key)
	if errors.Is(err, ErrNotFound) {
		return err
	}
	if hook.prototype, hook.undescribed = p, err; err != nil {
		hook.prototype = nil
	}
	return nil
}

// tabled returns the prototype of a system call from the table of those that
// all kernels share, or nil.
func tabled(key HookKey) *Prototype {
	switch key.Kind {
	case HookSyscall:
		if params, ok := syscalls.Prototype(key.Name); ok {
			return SyscallPrototype(key.Name, params)
		}
	case HookCompatSyscall:
		return CompatPrototype(key.Name)
	}
	return nil
}

// CompatPrototype describes a system call of 32-bit programs, nil where it is
// not known.
func CompatPrototype(name string) *Prototype {
	params, ok := syscalls.CompatPrototype(name)
	if !ok {
		return nil
	}
	p := SyscallPrototype(name, params)
	for i := range p.Params {
		if slices.Contains(compatLongs, p.Params[i].CType) {
			p.Params[i].Size = 4
		}
	}
	return p
}

// compatLongs are the integers in prototypes that are smaller in 32-bit
// programs.
var compatLongs = []string{"long", "unsigned long", "size_t", "ssize_t", "off_t", "aio_context_t"}

// SyscallPrototype describes a system call by the declarations of its
// parameters in C.
func SyscallPrototype(name string, params []syscalls.Param) *Prototype {
	p := &Prototype{Result: TypeInfo{CType: "long", Kind: KindInt, Size: 8, Signed: true}}
	var texts []string
	for _, param := range params {
		info := declared(param.Type)
		p.Params = append(p.Params, info)
		space := " "
		if strings.HasSuffix(param.Type, "*") {
			space = ""
		}
		texts = append(texts, param.Type+space+param.Name)
	}
	if len(texts) == 0 {
		texts = []string{"void"}
	}
	p.Text = "long " + name + "(" + strings.Join(texts, ", ") + ")"
	return p
}

// declared describes a parameter of a system call by its C type as far as the
// name of the type says what it is.
func declared(ctype string) TypeInfo {
	info := TypeInfo{CType: ctype}
	words := strings.Fields(strings.NewReplacer("*", " * ", "__user", "", "const", "").Replace(ctype))
	bare := strings.Join(words, " ")
	if target, ok := strings.CutSuffix(bare, " *"); ok {
		info.Kind, info.Size = KindPointer, 8
		info.Text = target == "char"
		for _, keyword := range []string{"struct ", "union "} {
			if name, ok := strings.CutPrefix(target, keyword); ok {
				info.Struct = name
			}
		}
		return info
	}
	if n, ok := integerSizes[bare]; ok {
		info.Kind, info.Size, info.Signed = KindInt, n.size, n.signed
	}
	return info
}

// integerSizes are the integers in prototypes of system calls, on 64-bit
// architectures.
var integerSizes = map[string]struct {
	size   int
	signed bool
}{
	"int": {4, true}, "unsigned int": {4, false}, "unsigned": {4, false}, "long": {8, true}, "unsigned long": {8, false},
	"size_t": {8, false}, "ssize_t": {8, true}, "loff_t": {8, true}, "off_t": {8, true}, "pid_t": {4, true}, "uid_t": {4, false},
	"gid_t": {4, false}, "umode_t": {2, false}, "mode_t": {4, false}, "clockid_t": {4, true}, "timer_t": {4, true},
	"key_serial_t": {4, true}, "mqd_t": {4, true}, "key_t": {4, true}, "aio_context_t": {8, false}, "qid_t": {4, false},
	"u32": {4, false}, "__u32": {4, false}, "u64": {8, false}, "__u64": {8, false}, "s32": {4, true}, "__s32": {4, true}, "rwf_t": {4, true},
}

// shown is the part of a message that shows the prototype, "" where none is
// known.
func (h *hookContext) shown() string {
	if h.prototype == nil {
		return ""
	}
	return ": " + h.prototype.Text
}

// autoType returns the type of an argument from the prototype; false where
// it is not known or has been reported.
func (f *frontend) autoType(a *policy.Arg, hook *hookContext, path string) (policy.ArgType, bool) {
	switch {
	case hook.prototype == nil && f.in.Types == nil && !hook.kind.InUserSpace():
		return "", false
	case hook.prototype == nil && hook.undescribed != nil:
		f.errorf(path+".type", "the type of this argument is not known (%v): give one", hook.undescribed)
		return "", false
	case hook.prototype == nil:
		f.errorf(path+".type", "the type of this argument is not known: give one")
		return "", false
	case int(a.Index) >= len(hook.prototype.Params):
		return "", false // reported with the prototype
	}
	info := &hook.prototype.Params[a.Index]
	if info.Kind == KindPointer && a.SizeArgIndex > 0 && info.isMemory() {
		return policy.TypeCharBuf, true
	}
	t := info.argType()
	if t == "" || info.Kind == KindStruct {
		f.errorf(path+".type", "auto has no type for argument %d: give one%s", a.Index, hook.shown())
		return "", false
	}
	return t, true
}

// checkPrototype compares the args of an entry with the prototype of its
// hook. The registers of a system call's arguments are always there.
func (f *frontend) checkPrototype(hook *hookContext, path string) {
	p := hook.prototype
	if p == nil || p.Variadic {
		return
	}
	missing := f.errorf
	if hook.kind.IsSyscall() {
		missing = f.warnf
	}
	for i, a := range hook.declared[:hook.numArgs] {
		at := policy.ItemPath(path, i)
		switch {
		case int64(a.Index) >= int64(hook.args):
		case int64(a.Index) >= int64(len(p.Params)):
			missing(at+".index", "there is no argument %d (counted from 0): %s", a.Index, p.Text)
		case int64(a.SizeArgIndex) > int64(len(p.Params)):
			missing(at+".sizeArgIndex", "there is no argument %d (counted from 1): %s", a.SizeArgIndex, p.Text)
		case a.Resolve == "" && !isAuto(a.Type) && !p.Params[a.Index].fits(a.Type):
			f.warnf(at+".type", "argument %d is %s, which is no %s: %s", a.Index, p.Params[a.Index].CType, a.Type, p.Text)
		}
	}
}
