// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// packed is a file of an archive, as it is read back.
type packed struct {
	Name string
	Mode uint32
	Data string
}

// mustUnpack reads an archive, by the format's description and not by the code that writes it.
func mustUnpack(tb testing.TB, data []byte) []packed {
	tb.Helper()
	var files []packed
	for offset := 0; ; {
		if offset%4 != 0 || string(data[offset:offset+6]) != "070701" {
			tb.Fatalf("no header at %d", offset)
		}
		field := func(i int) int {
			n, err := strconv.ParseUint(string(data[offset+6+8*i:offset+14+8*i]), 16, 32)
			if err != nil {
				tb.Fatal(err)
			}
			return int(n)
		}
		mode, size, nameSize := field(1), field(6), field(11)
		name := string(data[offset+110 : offset+110+nameSize-1])
		start := (offset + 110 + nameSize + 3) &^ 3
		if name == trailer {
			return files
		}
		files = append(files, packed{name, uint32(mode), string(data[start : start+size])})
		offset = (start + size + 3) &^ 3
	}
}

func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b)
	before := len(a.seen)
	a.regular("/etc/a", 0o640, []byte("12345"))
	a.regular("etc/./a", 0o600, []byte("a second one"))
	a.link("/bin/l", "busybox")
	a.add("/tmp", modeDirectory|0o1777, nil)
	a.regular("/tmp/empty", 0o644, nil)
	if !a.has("/usr/bin/l") || !a.has("/bin/l") || a.has("/bin/m") {
		t.Error("the archive does not know what it has")
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := []packed{
		{"etc", modeDirectory | 0o755, ""},
		{"etc/a", modeRegular | 0o640, "12345"},
		{"usr/bin/l", modeLink | 0o777, "busybox"},
		{"tmp", modeDirectory | 0o1777, ""},
		{"tmp/empty", modeRegular | 0o644, ""},
	}
	files := mustUnpack(t, b.Bytes())
	if diff := cmp.Diff(want, files[before:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, f := range files[:before] {
		if f.Mode == modeLink|0o777 && f.Data != "usr/"+f.Name {
			t.Errorf("%s leads to %s", f.Name, f.Data)
		}
	}
}

// failing fails after some bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestArchiveError(t *testing.T) {
	a := newArchive(&failing{left: 100})
	a.regular("/big", 0o644, make([]byte, 4<<20))
	if err := a.close(); err == nil || err.Error() != "disk full" {
		t.Errorf("error %v", err)
	}
}

func TestGuestName(t *testing.T) {
	for file, want := range map[string]string{
		"/": "", "/bin": "bin", "/bin/sh": "usr/bin/sh", "lib64/ld.so": "usr/lib64/ld.so", "/usr/bin/../bin/x": "usr/bin/x",
		"/binary/x": "binary/x", "/etc/bin/x": "etc/bin/x",
	} {
		if got := guestName(file); got != want {
			t.Errorf("%s is %q, %q expected", file, got, want)
		}
	}
}

// mustTree makes files, by their names.
func mustTree(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func TestArchiveFiles(t *testing.T) {
	dir := mustTree(t, map[string]string{"d/a": "A", "d/sub/b": "B", "script": "#!/bin/sh -e\n", "empty": ""})
	for link, target := range map[string]string{"link": "d/a", "d/relative": "a"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	a := newArchive(&b)
	for _, f := range []File{{Host: dir + "/d", Guest: "/x"}, {Host: dir + "/link"}, {Host: dir + "/link", Guest: "/y"}, {Host: dir + "/script", Guest: "/s"}} {
		if err := a.file(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.file(File{Host: dir + "/missing"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range mustUnpack(t, b.Bytes()) {
		got["/"+f.Name] = fmt.Sprintf("%o %s", f.Mode, f.Data)
	}
	for name, want := range map[string]string{
		"/x/a": "100644 A", "/x/sub/b": "100644 B", "/x/relative": "120777 a", "/x/sub": "40755 ",
		dir + "/link": "120777 " + dir + "/d/a", dir + "/d/a": "100644 A", "/y": "100644 A", "/s": "100644 #!/bin/sh -e\n",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, %q expected", name, got[name], want)
		}
	}
	if !a.has("/bin/sh") {
		t.Error("the script came without its shell")
	}
}

// TestArchiveLibraries checks that a program of this machine brings what it is linked with.
func TestArchiveLibraries(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	data, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	needed, err := neededBy(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(needed) == 0 {
		t.Skip("the shell is static")
	}
	if !strings.Contains(strings.Join(needed, " "), "libc.") {
		t.Errorf("the shell needs %v", needed)
	}
}

func TestNeededBy(t *testing.T) {
	env, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	for text, want := range map[string][]string{
		"plain text": nil, "": nil, "#!/bin/sh": {"/bin/sh"}, "#! /usr/bin/env sh\nx": {"/usr/bin/env", env}, "#!\n": nil, "\x7fELF broken": nil,
	} {
		got, err := neededBy([]byte(text))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseFile(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]File{
		"/a": {Host: "/a"}, "/a:/b": {Host: "/a", Guest: "/b"}, "a:/b": {Host: wd + "/a", Guest: "/b"},
	} {
		if got, err := ParseFile(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	if _, err := ParseFile("/a:b"); err == nil {
		t.Error("a relative path in the guest is accepted")
	}
}
