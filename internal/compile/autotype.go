// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"github.com/vedette-io/vedette/internal/policy"
)

// structTypes are the argument types that are a struct of the kernel, and
// the names of the structs, the first being the one that auto takes the type
// for.
var structTypes = []struct {
	arg     policy.ArgType
	structs []string
}{
	{policy.TypeFile, []string{"file"}},
	{policy.TypePath, []string{"path"}},
	{policy.TypeDentry, []string{"dentry"}},
	{policy.TypeFilename, []string{"filename"}},
	{policy.TypeSock, []string{"sock"}},
	{policy.TypeSocket, []string{"socket"}},
	{policy.TypeSkb, []string{"sk_buff"}},
	{policy.TypeSockaddr, []string{"sockaddr", "sockaddr_storage", "__kernel_sockaddr_storage", "sockaddr_unsized", "sockaddr_in", "sockaddr_in6"}},
	{policy.TypeSockaddrUn, []string{"sockaddr_un", "sockaddr", "sockaddr_unsized"}},
	{policy.TypeCred, []string{"cred"}},
	{policy.TypeLinuxBinprm, []string{"linux_binprm"}},
	{policy.TypeUserNamespace, []string{"user_namespace"}},
	{policy.TypeBpfAttr, []string{"bpf_attr"}},
	{policy.TypeBpfMap, []string{"bpf_map"}},
	{policy.TypeBpfProg, []string{"bpf_prog"}},
	{policy.TypePerfEvent, []string{"perf_event"}},
	{policy.TypeKiocb, []string{"kiocb"}},
	{policy.TypeIovIter, []string{"iov_iter"}},
	{policy.TypeCharIovec, []string{"iovec"}},
	{policy.TypeLoadInfo, []string{"load_info"}},
	{policy.TypeModule, []string{"module"}},
	{policy.TypeNetDevice, []string{"net_device"}},
	{policy.TypeKernelCap, []string{"kernel_cap_struct", "kernel_cap_t"}},
}

// structsOf returns the structs that an argument type can be, nil for types
// that are none.
func structsOf(t policy.ArgType) []string {
	if t.IsCapabilitySet() {
		t = policy.TypeKernelCap
	}
	for _, row := range structTypes {
		if row.arg == t {
			return row.structs
		}
	}
	return nil
}

// structName is the struct's name: a typedef of one without a name counts.
func (t *TypeInfo) structName() string {
	switch {
	case t.Struct != "":
		return t.Struct
	case t.bare() == "kernel_cap_t" || t.bare() == "kernel_cap_t *":
		return "kernel_cap_t"
	}
	return ""
}

// argType returns the argument type that a type of the kernel stands for, ""
// where there is none. The struct types are for pointers to the struct, and
// for a struct that is found where it is, at the end of a path.
func (t *TypeInfo) argType() policy.ArgType {
	switch t.Kind {
	case KindInt:
		return t.integer()
	case KindText:
		return policy.TypeString
	case KindPointer, KindStruct:
		if t.Text {
			return policy.TypeString
		}
		name := t.structName()
		for _, row := range structTypes {
			if row.structs[0] == name || name == "kernel_cap_t" && row.arg == policy.TypeKernelCap {
				return row.arg
			}
		}
	}
	return ""
}

// integer is the argument type of an integer.
func (t *TypeInfo) integer() policy.ArgType {
	if t.bare() == "size_t" {
		return policy.TypeSize
	}
	if bySize, ok := integers[t.Size]; ok {
		if t.Signed {
			return bySize.signed
		}
		return bySize.unsigned
	}
	return ""
}

// integers are the argument types of integers by their sizes.
var integers = map[int]struct{ signed, unsigned policy.ArgType }{
	1: {policy.TypeInt8, policy.TypeUint8},
	2: {policy.TypeInt16, policy.TypeUint16},
	4: {policy.TypeInt32, policy.TypeUint32},
	8: {policy.TypeInt64, policy.TypeUint64},
}

// fits reports whether a declared argument type can be what the kernel has
// there.
func (t *TypeInfo) fits(declared policy.ArgType) bool {
	switch {
	case declared == policy.TypeNop || t.Kind == KindOther:
		return true
	case declared == policy.TypeFd || declared == policy.TypeCapability || declared == policy.TypeBpfCmd:
		return t.Kind == KindInt
	case declared.IsInteger():
		// An address is a number too, of all the bits.
		return t.Kind == KindInt && t.Size == declared.Width() || t.Kind == KindPointer && declared.Width() == 8
	case t.Kind == KindInt:
		return t.Size == 8 // an address that the kernel declares as a number
	}
	structs := structsOf(declared)
	if structs == nil {
		return t.isMemory() || t.Kind == KindText
	}
	name := t.structName()
	for _, s := range structs {
		if s == name {
			return true
		}
	}
	return name == "" && !t.Text && t.Kind == KindPointer // void *
}

// isMemory reports whether it is a pointer to bytes.
func (t *TypeInfo) isMemory() bool {
	return t.Kind == KindPointer && (t.Text || t.Struct == "")
}
