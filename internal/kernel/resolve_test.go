// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// TestResolveKernel goes paths through the types of the running kernel that
// every kernel has.
func TestResolveKernel(t *testing.T) {
	skipUnlessPrivileged(t)
	o := newOffer()
	for _, c := range []struct {
		name  string
		way   func(path string) (*Way, error)
		path  string
		reads int
		ctype string
	}{
		{"task", func(p string) (*Way, error) { return o.ResolveType("task_struct", Origin{}, p) }, "cred.uid.val", 2, "uid_t"},
		{"task", func(p string) (*Way, error) { return o.ResolveType("struct task_struct", Origin{}, p) }, "nsproxy.mnt_ns.ns.inum", 3, "unsigned int"},
		{"task", func(p string) (*Way, error) { return o.ResolveType("task_struct", Origin{}, p) }, "signal.rlim[7].rlim_max", 2, "__kernel_ulong_t"},
		{"task", func(p string) (*Way, error) { return o.ResolveType("task_struct", Origin{}, p) }, "comm", 1, "char[16]"},
		{"function", func(p string) (*Way, error) { return o.ResolveParam("vfs_read", 0, p) }, "f_path.dentry.d_name.name", 2, "const unsigned char *"},
		{"function", func(p string) (*Way, error) { return o.ResolveParam("security_bprm_check", 0, p) }, "mm.owner.real_parent.comm", 4, "char[16]"},
		{"hook", func(p string) (*Way, error) { return o.ResolveParam("bpf_lsm_bprm_check_security", 0, p) }, "file", 1, "struct file *"},
		{"raw tracepoint", func(p string) (*Way, error) { return o.ResolveTracepoint("sched_process_exec", 2, p) }, "file.f_inode.i_nlink", 3, "const unsigned int"},
	} {
		way, err := c.way(c.path)
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.path, err)
			continue
		}
		if len(way.Reads) != c.reads || way.Value.Type != c.ctype {
			t.Errorf("%s %s: %+v, want %d reads and a %s", c.name, c.path, way, c.reads, c.ctype)
		}
	}
}

func TestResolveKernelErrors(t *testing.T) {
	skipUnlessPrivileged(t)
	o := newOffer()
	for want, ask := range map[string]func() (*Way, error){
		"did you mean cred":     func() (*Way, error) { return o.ResolveType("task_struct", Origin{}, "crd.uid") },
		"there is no such":      func() (*Way, error) { return o.ResolveType("task_strukt", Origin{}, "cred") },
		`is it loaded?`:         func() (*Way, error) { return o.ResolveType("x", Origin{Module: "no_such_module"}, "x") },
		"no such file":          func() (*Way, error) { return o.ResolveType("x", Origin{File: "/no/such/file"}, "x") },
		"no argument 9":         func() (*Way, error) { return o.ResolveParam("vfs_read", 9, "f_path") },
		"count is no pointer":   func() (*Way, error) { return o.ResolveParam("vfs_read", 2, "x") },
		"did you mean vfs_read": func() (*Way, error) { return o.ResolveParam("vfs_reat", 0, "f_path") },
		"no such tracepoint":    func() (*Way, error) { return o.ResolveTracepoint("no_such_event", 0, "x") },
	} {
		if way, err := ask(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v; want %q", way, err, want)
		}
	}
}

// TestResolveFile reads the types of a program from a file, again after it
// has changed.
func TestResolveFile(t *testing.T) {
	o := newOffer()
	path := filepath.Join(t.TempDir(), "program.btf")
	write := func(offset btf.Bits) {
		t.Helper()
		b, err := btf.NewBuilder([]btf.Type{
			&btf.Struct{Name: "request", Size: 64, Members: []btf.Member{{Name: "size", Type: integer, Offset: offset}}},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
		if err != nil {
			t.Fatal(err)
		}
		// Another file, as an update of a package makes it.
		if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	for _, offset := range []uint32{8, 8, 24} {
		write(btf.Bits(offset * 8))
		way, err := o.ResolveType("request", Origin{File: path}, "size")
		if err != nil {
			t.Fatal(err)
		}
		if got := way.Reads[0].Offset; got != offset {
			t.Errorf("offset %d, want %d", got, offset)
		}
	}
}

func TestRawTracepoint(t *testing.T) {
	skipUnlessPrivileged(t)
	o := newOffer()
	f, err := o.RawTracepoint("sched_process_exec")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Params) != 3 || f.Params[0].Struct != "task_struct" || f.Params[2].Struct != "linux_binprm" {
		t.Errorf("%s", f)
	}
	if _, err := o.RawTracepoint("sched_process_exce"); !errors.Is(err, ErrNoTracepoint) || !strings.Contains(err.Error(), "did you mean sched_process_exec") {
		t.Errorf("%v", err)
	}
}

func TestLSMHookPrototype(t *testing.T) {
	skipUnlessPrivileged(t)
	o := newOffer()
	f, err := o.LSMHook("file_open")
	if err != nil || f.String() != "int bpf_lsm_file_open(struct file *file)" {
		t.Errorf("%v, %v", f, err)
	}
	_, err = o.LSMHook("file_opne")
	if !errors.Is(err, ErrNoLSMHook) || !strings.Contains(err.Error(), "file_open") {
		t.Errorf("%v", err)
	}
}

func TestModuleFunctions(t *testing.T) {
	by, err := parseModuleFunctions(strings.NewReader(`ffffffff81000000 T vfs_read
ffffffffc0000000 t tun_get_user	[tun]
ffffffffc0000100 d tun_ops	[tun]
ffffffffc0001000 T my_tun_get_user	[other]
ffffffffc0002000 W weak	[third]
`))
	want := map[string]string{"tun_get_user": "tun", "my_tun_get_user": "other", "weak": "third"}
	if diff := cmp.Diff(want, by); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	before := "tun 61440 1 - Live 0xffffffffc0000000\nloop 40960 0 - Live 0xffffffffc0100000\n"
	if used := strings.Replace(before, " 1 - ", " 7 - ", 1); withoutUsers(before) != withoutUsers(used) {
		t.Error("a module in use is another list of modules")
	}
	if withoutUsers(before) == withoutUsers(before[:39]) {
		t.Error("a module that is gone is the same list of modules")
	}
}

func TestFindRegister(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the registers are those of amd64")
	}
	for name, want := range map[string]Register{
		"rax": {80, 8}, "eax": {80, 4}, "ax": {80, 2}, "al": {80, 1}, "ah": {81, 1}, "rdi": {112, 8}, "edi": {112, 4}, "di": {112, 2}, "dil": {112, 1},
		"rsi": {104, 8}, "rbp": {32, 8}, "rsp": {152, 8}, "rip": {128, 8}, "r8": {72, 8}, "r9d": {64, 4}, "r10w": {56, 2}, "r11b": {48, 1},
		"r12": {24, 8}, "r15": {0, 8}, "eflags": {144, 4}, "orig_rax": {120, 8},
	} {
		if got, err := FindRegister(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	if _, err := FindRegister("rxa"); err == nil || !strings.Contains(err.Error(), "did you mean") {
		t.Errorf("%v", err)
	}
}
