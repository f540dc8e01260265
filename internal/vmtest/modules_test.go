// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mustModule makes an ELF file with nothing but a section .modinfo.
func mustModule(tb testing.TB, info string) []byte {
	tb.Helper()
	const header, entry = 64, 64
	names := "\x00.modinfo\x00.shstrtab\x00"
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
			Ehsize: header, Shoff: header, Shentsize: entry, Shnum: 3, Shstrndx: 2,
		},
		elf.Section64{},
		elf.Section64{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: header + 3*entry, Size: uint64(len(info))},
		elf.Section64{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: header + 3*entry + uint64(len(info)), Size: uint64(len(names))},
		[]byte(info), []byte(names),
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestModuleOrder(t *testing.T) {
	depends := map[string]string{
		"ext4": "jbd2,mbcache,crc16", "jbd2": "crc16", "mbcache": "", "crc16": "", "loop_a": "loop-b", "loop_b": "loop_a", "lost": "gone",
	}
	m := &modules{files: map[string]string{}, builtin: map[string]bool{"virtio": true}, read: func(path string) ([]byte, error) {
		if path == "broken" {
			return nil, errors.New("cannot read")
		}
		return mustModule(t, "license=GPL\x00depends="+depends[path]+"\x00name="+path+"\x00"), nil
	}}
	for name := range depends {
		m.files[name] = name
	}
	m.files["broken"] = "broken"
	for _, test := range []struct{ names, want, err string }{
		{"crc16", "crc16", ""},
		{"ext4", "crc16 jbd2 mbcache ext4", ""},
		{"mbcache jbd2 ext4 virtio", "mbcache crc16 jbd2 ext4", ""},
		{"loop-a", "loop_b loop_a", ""},
		{"lost", "", "the kernel has no module gone"},
		{"broken", "", "module broken: cannot read"},
	} {
		ordered, err := m.order(strings.Fields(test.names))
		var got []string
		for _, o := range ordered {
			got = append(got, o.name)
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if strings.Join(got, " ") != test.want || text != test.err {
			t.Errorf("%s: %v, %q; expected %s, %q", test.names, got, text, test.want, test.err)
		}
	}
}

func TestFindModules(t *testing.T) {
	const dir = "usr/lib/modules/6.1/"
	root := mustTree(t, map[string]string{
		dir + "modules.builtin": "kernel/fs/proc-x.ko\n", dir + "kernel/fs/ext4/ext4.ko.xz": "", dir + "kernel/a-b.ko": "", dir + "kernel/readme": "",
	})
	m, err := findModules(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"ext4": root + "/" + dir + "kernel/fs/ext4/ext4.ko.xz", "a_b": root + "/" + dir + "kernel/a-b.ko"}
	if diff := cmp.Diff(want, m.files); diff != "" || !m.builtin["proc_x"] {
		t.Errorf("builtin %v, files (-want +got):\n%s", m.builtin, diff)
	}
	if _, err := findModules(t.TempDir()); err == nil {
		t.Error("modules were found where none are")
	}
}

func TestReadModule(t *testing.T) {
	dir := mustTree(t, map[string]string{"a.ko": "as it is", "b.ko.gz": "no gzip"})
	if data, err := readModule(dir + "/a.ko"); err != nil || string(data) != "as it is" {
		t.Errorf("%q, %v", data, err)
	}
	for _, name := range []string{"b.ko.gz", "c.ko"} {
		if _, err := readModule(dir + "/" + name); err == nil {
			t.Errorf("%s can be read", name)
		}
	}
	if _, err := dependencies([]byte("text")); err == nil {
		t.Error("text is a module")
	}
}
