// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"strings"
	"testing"
)

const openatFormat = "name: sys_enter_openat\nID: 782\nformat:\n" +
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" +
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n" +
	"\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n" +
	"\tfield:__data_loc char[] name;\toffset:32;\tsize:4;\tsigned:1;\n" +
	"\tfield:unsigned long args[6];\toffset:40;\tsize:48;\tsigned:0;\n\nprint fmt: \"field:x;\"\n"

func TestParseFormat(t *testing.T) {
	f, err := parseFormat([]byte(openatFormat))
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{
		{Name: "common_type", CType: "unsigned short", Offset: 0, Size: 2},
		{Name: "common_pid", CType: "int", Offset: 4, Size: 4, Signed: true},
		{Name: "filename", CType: "const char *", Offset: 24, Size: 8},
		{Name: "name", CType: "__data_loc char[]", Offset: 32, Size: 4, Signed: true, DataLoc: true},
		{Name: "args", CType: "unsigned long[]", Offset: 40, Size: 48},
	}
	if f.ID != 782 || len(f.Fields) != len(want) {
		t.Fatalf("id %d, %d fields", f.ID, len(f.Fields))
	}
	for i, w := range want {
		if f.Fields[i] != w {
			t.Errorf("field %d: %+v, want %+v", i, f.Fields[i], w)
		}
	}
}

func TestParseFormatBad(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"no id":      "\tfield:int a;\toffset:0;\tsize:4;\tsigned:1;\n",
		"bad id":     "ID: x\n",
		"no fields":  "ID: 3\n",
		"big offset": "ID: 3\n\tfield:int a;\toffset:70000;\tsize:4;\tsigned:1;\n",
		"no name":    "ID: 3\n\tfield:a;\toffset:0;\tsize:4;\tsigned:1;\n",
	} {
		if _, err := parseFormat([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCgroupController(t *testing.T) {
	const head = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
	for _, c := range []struct {
		name, text string
		want       int32
		fails      bool
	}{
		{"v1", head + "cpuset\t3\t1\t1\ncpu\t1\t1\t1\nmemory\t4\t11\t1\npids\t8\t1\t1\n", 2, false},
		{"v1 without memory", head + "cpuset\t3\t1\t1\nmemory\t0\t1\t0\npids\t8\t1\t1\n", 2, false},
		{"v2", head + "cpuset\t0\t1\t1\nmemory\t0\t1\t1\n", -1, false},
		{"broken", head + "cpuset\n", -1, true},
		{"not a number", head + "cpuset\tx\t1\t1\n", -1, true},
	} {
		got, err := cgroupController(strings.NewReader(c.text))
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %d, %v", c.name, got, err)
		}
	}
}

func TestMissingError(t *testing.T) {
	err := error(&MissingError{Feature: "ropes", Since: "9.9", Option: "CONFIG_ROPES", Cause: os.ErrInvalid})
	if got, want := err.Error(), "this kernel lacks ropes (needs Linux 9.9 with CONFIG_ROPES): invalid argument"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, ErrMissing) || !errors.Is(err, os.ErrInvalid) {
		t.Error("neither ErrMissing nor the cause is matched")
	}
}

// TestTracefs reads a real tracepoint.
func TestTracefs(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts tracefs: not with -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("tracefs needs root")
	}
	fs, err := OpenTracefs()
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	f, err := fs.Format("sched", "sched_process_exec")
	if err != nil {
		t.Fatal(err)
	}
	if f.ID == 0 || f.Fields[0].Name != "common_type" || !f.Fields[4].DataLoc {
		t.Errorf("%+v", f)
	}
	for _, name := range []string{"nothing", "../sched", ""} {
		if _, err := fs.Format("sched", name); !errors.Is(err, ErrNoTracepoint) {
			t.Errorf("sched/%s: %v", name, err)
		}
	}
}

func TestNativeABI(t *testing.T) {
	abi, err := NativeABI()
	if err != nil {
		t.Skipf("%v", err)
	}
	if abi.Name == "" || abi.Number == 0 {
		t.Errorf("%+v", abi)
	}
}

func TestRequire(t *testing.T) {
	if os.Geteuid() != 0 {
		if err := Require(); err == nil || !strings.Contains(err.Error(), "root") {
			t.Errorf("without root: %v", err)
		}
		return
	}
	if testing.Short() {
		t.Skip("loads programs into the kernel: not with -short")
	}
	if err := Require(); err != nil {
		t.Error(err)
	}
}
