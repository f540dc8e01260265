// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// Kind is what a parameter is made of.
type Kind uint8

// The kinds of parameters. A pointer's target is in [Param.Struct], where it
// has a name.
const (
	KindOther Kind = iota
	KindInt        // integers, and what is one in C: bool, enum
	KindPointer
	KindStruct // a struct or union, by value
	KindFloat
)

// Param is one parameter of a function of the kernel.
type Param struct {
	// Name is empty where the kernel does not tell it.
	Name string
	// Type is the type in C.
	Type string
	Kind Kind
	// Size is in bytes.
	Size uint32
	// Signed is set for signed integers.
	Signed bool
	// Pointer is set for pointers.
	Pointer bool
	// Struct is the name of the struct or union that the parameter is, or
	// points to, without the keyword. It is empty for all else.
	Struct string
	// Text is set for pointers to characters, and arrays of them.
	Text bool
}

// Function is a function of the kernel, as its BTF describes it.
type Function struct {
	Name   string
	Params []Param
	// Return is the type of what it returns, in C: "void" where nothing.
	Return string
	// Result describes what it returns. It has no name.
	Result Param
	// Variadic is set where the parameters end with "...".
	Variadic bool
	// Module is the module that the function is in, or empty.
	Module string
}

// Describes reports whether the kernel's BTF has a function of the name. It
// is faster than [Offer.Function] where there is none.
func (o *Offer) Describes(name string) bool {
	_, _, err := o.types.function(name)
	return err == nil
}

// String returns the prototype in C.
func (f *Function) String() string {
	params := make([]string, 0, len(f.Params)+1)
	for _, p := range f.Params {
		params = append(params, p.String())
	}
	switch {
	case f.Variadic:
		params = append(params, "...")
	case len(params) == 0:
		params = append(params, "void")
	}
	return declare(f.Return, f.Name) + "(" + strings.Join(params, ", ") + ")"
}

// String returns the declaration in C.
func (p Param) String() string { return declare(p.Type, p.Name) }

// declare joins a type and a name: pointers to functions and arrays have the
// name in the middle.
func declare(ctype, name string) string {
	if name == "" {
		return ctype
	}
	if before, after, ok := strings.Cut(ctype, "(*)"); ok {
		return before + "(*" + name + ")" + after
	}
	if before, after, ok := strings.Cut(ctype, "["); ok {
		return strings.TrimRight(before, " ") + " " + name + "[" + after
	}
	if strings.HasSuffix(ctype, "*") {
		return ctype + name
	}
	return ctype + " " + name
}

// ErrNoFunction is matched by the error of a function that the kernel does
// not have.
var ErrNoFunction = errors.New("the kernel has no such function")

// ErrUndescribed is matched by the error of a function that the kernel has
// and its BTF does not describe: kprobes can be attached to it, but what its
// parameters are is not known.
var ErrUndescribed = errors.New("BTF does not describe the function")

// noFunction returns the error of a function that BTF does not describe.
func (o *Offer) noFunction(name string) error {
	if o.hasNow(name) {
		return ErrUndescribed
	}
	return o.noSymbol(name)
}

// hasNow reports whether the kernel has a function, also in a module that is
// younger than the list of symbols that is remembered.
func (o *Offer) hasNow(name string) bool {
	if has, err := o.HasSymbol(name); has && err == nil {
		return true
	}
	module, err := o.types.moduleOf(name)
	return module != "" && err == nil
}

// noSymbol returns the error of a function that the kernel does not have.
func (o *Offer) noSymbol(name string) error {
	return fmt.Errorf("%w%s", ErrNoFunction, o.symbols.unknown.suggest(name))
}

// Function returns the description of a function of the kernel or one of its
// modules. The error matches [ErrNoFunction] if there is none of that name,
// and tells the names that are near, or [ErrUndescribed].
func (o *Offer) Function(name string) (*Function, error) {
	f, module, err := o.function(name)
	if err != nil {
		return nil, err
	}
	function, err := describe(f)
	if err != nil {
		return nil, fmt.Errorf("function %q: %w", name, err)
	}
	function.Module = module
	return function, nil
}

// LSMHook returns the description of an LSM hook, whose name is without a
// prefix. The error matches [ErrNoLSMHook] if there is none of that name, and
// tells the names that are near.
func (o *Offer) LSMHook(hook string) (*Function, error) {
	f, module, err := o.types.function(lsmPrefix + hook)
	if errors.Is(err, btf.ErrNotFound) {
		err = fmt.Errorf("%w%s", ErrNoLSMHook, suggestLSMHook(hook))
	}
	if err != nil {
		return nil, fmt.Errorf("LSM hook %q: %w", hook, err)
	}
	function, err := describe(f)
	if err != nil {
		return nil, fmt.Errorf("LSM hook %q: %w", hook, err)
	}
	function.Module = module
	return function, nil
}

// function returns a function's type, and the module that it is in.
func (o *Offer) function(name string) (*btf.Func, string, error) {
	f, module, err := o.types.function(name)
	if errors.Is(err, btf.ErrNotFound) {
		err = o.noFunction(name)
	}
	if err != nil {
		return nil, "", fmt.Errorf("function %q: %w", name, err)
	}
	return f, module, nil
}

// describe makes a description out of BTF.
func describe(f *btf.Func) (*Function, error) {
	proto, ok := f.Type.(*btf.FuncProto)
	if !ok {
		return nil, fmt.Errorf("BTF gives it the type %T", f.Type)
	}
	function := &Function{Name: f.Name, Return: ctype(proto.Return), Result: param("", proto.Return)}
	for i, p := range proto.Params {
		if _, void := p.Type.(*btf.Void); void && i == len(proto.Params)-1 && p.Name == "" {
			function.Variadic = true
			break
		}
		function.Params = append(function.Params, param(p.Name, p.Type))
	}
	return function, nil
}

// param describes a parameter of a type.
func param(name string, t btf.Type) Param {
	p := Param{Name: name, Type: ctype(t)}
	if size, err := btf.Sizeof(t); err == nil {
		p.Size = uint32(size)
	}
	switch u := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		p.Kind, p.Signed = KindInt, u.Encoding == btf.Signed
	case *btf.Enum:
		p.Kind, p.Signed = KindInt, u.Signed
	case *btf.Pointer:
		p.Kind, p.Pointer, p.Struct, p.Text = KindPointer, true, structName(u.Target), isCharacter(u.Target)
	case *btf.Array:
		p.Text = isCharacter(u.Type)
	case *btf.Struct, *btf.Union:
		p.Kind, p.Struct = KindStruct, structName(t)
	case *btf.Float:
		p.Kind = KindFloat
	}
	return p
}

// isCharacter reports whether a type is that of the characters of a text. A
// byte by another name, such as u8, is none.
func isCharacter(t btf.Type) bool {
	for {
		switch u := t.(type) {
		case *btf.Const:
			t = u.Type
		case *btf.Volatile:
			t = u.Type
		case *btf.TypeTag:
			t = u.Type
		case *btf.Int:
			return u.Size == 1 && (u.Name == "char" || u.Name == "unsigned char" || u.Name == "signed char")
		default:
			return false
		}
	}
}

// structName returns the name of a struct or union, also behind typedefs.
func structName(t btf.Type) string {
	switch u := btf.UnderlyingType(t).(type) {
	case *btf.Struct, *btf.Union:
		return u.TypeName()
	case *btf.Fwd:
		return u.Name
	}
	return ""
}

// maxTypeDepth bounds how deep types are written out.
const maxTypeDepth = 16

// ctype returns a type in C.
func ctype(t btf.Type) string { return ctypeDepth(t, maxTypeDepth) }

func ctypeDepth(t btf.Type, depth int) string {
	if depth == 0 {
		return "…"
	}
	inner := func(t btf.Type) string { return ctypeDepth(t, depth-1) }
	switch t := t.(type) {
	case *btf.Void:
		return "void"
	case *btf.Int:
		return t.Name
	case *btf.Float:
		return t.Name
	case *btf.Typedef:
		return t.Name
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.Fwd:
		return tagged(t.Kind.String(), t.Name)
	case *btf.Const:
		return qualified("const", t.Type, inner(t.Type))
	case *btf.Volatile:
		return qualified("volatile", t.Type, inner(t.Type))
	case *btf.Restrict:
		return qualified("restrict", t.Type, inner(t.Type))
	case *btf.TypeTag:
		return inner(t.Type)
	case *btf.Pointer:
		return pointer(inner(t.Target), t.Target)
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", inner(t.Type), t.Nelems)
	case *btf.FuncProto:
		return prototype(t, inner)
	}
	return t.TypeName()
}

// tagged returns a type with its keyword.
func tagged(keyword, name string) string {
	if name == "" {
		return keyword + " {…}"
	}
	return keyword + " " + name
}

// qualified puts a qualifier where C has it: behind a pointer, before all
// else.
func qualified(qualifier string, t btf.Type, text string) string {
	if _, ok := t.(*btf.Pointer); ok {
		return text + qualifier
	}
	return qualifier + " " + text
}

// pointer returns a pointer to a type whose text is known.
func pointer(text string, target btf.Type) string {
	switch target.(type) {
	case *btf.FuncProto:
		return text
	case *btf.Array:
		before, after, _ := strings.Cut(text, "[")
		return before + " (*)[" + after
	}
	if strings.HasSuffix(text, "*") {
		return text + "*"
	}
	return text + " *"
}

// prototype returns the type of a pointer to a function.
func prototype(proto *btf.FuncProto, text func(btf.Type) string) string {
	params := make([]string, len(proto.Params))
	for i, p := range proto.Params {
		params[i] = text(p.Type)
		if _, void := p.Type.(*btf.Void); void {
			params[i] = "..."
		}
	}
	if len(params) == 0 {
		params = []string{"void"}
	}
	return text(proto.Return) + " (*)(" + strings.Join(params, ", ") + ")"
}
