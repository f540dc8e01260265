// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	mode := &btf.Typedef{Name: "umode_t", Type: &btf.Int{Name: "unsigned short", Size: 2}}
	path := &btf.Struct{Name: "path", Size: 16}
	compare := &btf.FuncProto{Return: integer, Params: []btf.FuncParam{{Type: &btf.Pointer{Target: path}}, {Type: integer}}}
	proto := &btf.FuncProto{
		Return: &btf.Pointer{Target: char},
		Params: []btf.FuncParam{
			{Name: "path", Type: &btf.Pointer{Target: &btf.Const{Type: path}}},
			{Name: "name", Type: &btf.Pointer{Target: &btf.Const{Type: char}}},
			{Name: "mode", Type: mode},
			{Name: "kind", Type: &btf.Enum{Name: "kind", Size: 4}},
			{Name: "argv", Type: &btf.Pointer{Target: &btf.Pointer{Target: char}}},
			{Name: "compare", Type: &btf.Pointer{Target: compare}},
			{Name: "fds", Type: &btf.Pointer{Target: &btf.Array{Type: integer, Nelems: 2}}},
			{Name: "end", Type: &btf.Const{Type: &btf.Pointer{Target: &btf.Void{}}}},
			{Name: "copy", Type: path},
			{Type: (*btf.Void)(nil)},
		},
	}
	got, err := describe(&btf.Func{Name: "walk", Type: proto})
	if err != nil {
		t.Fatal(err)
	}
	want := &Function{
		Name: "walk", Return: "char *", Variadic: true,
		Result: Param{Type: "char *", Kind: KindPointer, Size: 8, Pointer: true, Text: true},
		Params: []Param{
			{Name: "path", Type: "const struct path *", Kind: KindPointer, Size: 8, Pointer: true, Struct: "path"},
			{Name: "name", Type: "const char *", Kind: KindPointer, Size: 8, Pointer: true, Text: true},
			{Name: "mode", Type: "umode_t", Kind: KindInt, Size: 2},
			{Name: "kind", Type: "enum kind", Kind: KindInt, Size: 4},
			{Name: "argv", Type: "char **", Kind: KindPointer, Size: 8, Pointer: true},
			{Name: "compare", Type: "int (*)(struct path *, int)", Kind: KindPointer, Size: 8, Pointer: true},
			{Name: "fds", Type: "int (*)[2]", Kind: KindPointer, Size: 8, Pointer: true},
			{Name: "end", Type: "void *const", Kind: KindPointer, Size: 8, Pointer: true},
			{Name: "copy", Type: "struct path", Kind: KindStruct, Size: 16, Struct: "path"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const text = "char *walk(const struct path *path, const char *name, umode_t mode, enum kind kind, char **argv, " +
		"int (*compare)(struct path *, int), int (*fds)[2], void *const end, struct path copy, ...)"
	if got.String() != text {
		t.Errorf("%s, want\n%s", got, text)
	}
	none, err := describe(&btf.Func{Name: "sync", Type: &btf.FuncProto{Return: &btf.Void{}}})
	if err != nil || none.String() != "void sync(void)" {
		t.Errorf("%v, %v", none, err)
	}
}

// TestDescribeLoop checks that a type which contains itself ends.
func TestDescribeLoop(t *testing.T) {
	loop := &btf.Pointer{}
	loop.Target = &btf.Const{Type: loop}
	if text := ctype(loop); !strings.Contains(text, "…") {
		t.Errorf("%q", text)
	}
}

// TestFunction reads functions of the running kernel that every kernel has.
func TestFunction(t *testing.T) {
	skipUnlessPrivileged(t)
	for name, want := range map[string]string{
		"fd_install":               "void fd_install(unsigned int fd, struct file *file)",
		"security_file_permission": "int security_file_permission(struct file *file, int mask)",
		"vfs_read":                 "ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)",
	} {
		f, err := Offered().Function(name)
		if err != nil || f.String() != want {
			t.Errorf("%v, %v, want %s", f, err, want)
		}
	}
	f, err := Offered().Function("security_file_permission")
	if err != nil {
		t.Fatal(err)
	}
	if p := f.Params[0]; p.Struct != "file" || !p.Pointer || p.Size != 8 {
		t.Errorf("%+v", p)
	}
	if p := f.Result; p.Kind != KindInt || p.Size != 4 || !p.Signed {
		t.Errorf("%+v", p)
	}
	if _, err := Offered().Function("entry_SYSCALL_64"); !errors.Is(err, ErrUndescribed) {
		t.Errorf("a function in assembly: %v", err)
	}
	_, err = Offered().Function("fd_instal")
	if !errors.Is(err, ErrNoFunction) || !strings.Contains(err.Error(), "did you mean fd_install") {
		t.Errorf("%v", err)
	}
}
