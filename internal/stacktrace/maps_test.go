// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/process"
)

const someMaps = `55d0c0a00000-55d0c0a02000 r--p 00000000 fe:00 1234                       /usr/bin/cat
55d0c0a02000-55d0c0a07000 r-xp 00002000 fe:00 1234                       /usr/bin/cat
7f0000000000-7f0000100000 r-xp 00028000 00:1f 77                         /a b/lib c.so (deleted)
7fff00000000-7fff00002000 r-xp 00000000 00:00 0                          [vdso]
7fff10000000-7fff10002000 r-xp 00000000 00:00 0
`

func TestParseMaps(t *testing.T) {
	got, err := parseMaps(strings.NewReader(someMaps))
	if err != nil {
		t.Fatal(err)
	}
	want := []mapping{
		{start: 0x55d0c0a02000, end: 0x55d0c0a07000, offset: 0x2000, path: "/usr/bin/cat", device: 0xfe00, inode: 1234},
		{start: 0x7f0000000000, end: 0x7f0000100000, offset: 0x28000, path: "/a b/lib c.so", device: 0x1f, inode: 77},
		{start: 0x7fff00000000, end: 0x7fff00002000, path: "[vdso]"},
		{start: 0x7fff10000000, end: 0x7fff10002000},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for addr, index := range map[uint64]int{
		0x55d0c0a01fff: -1, 0x55d0c0a02000: 0, 0x55d0c0a06fff: 0, 0x55d0c0a07000: -1, 0x7f0000000001: 1, 0x7fff10001fff: 3, 0x7fff10002000: -1,
	} {
		m := find(got, addr)
		if (m == nil) != (index < 0) || m != nil && *m != got[index] {
			t.Errorf("%#x is in %v, want %d", addr, m, index)
		}
	}
	if _, err := parseMaps(strings.NewReader("zz-1 r-xp 0 0:0 0\n")); err == nil {
		t.Error("bad addresses are understood")
	}
}

func TestParseBorn(t *testing.T) {
	got, err := parseBorn([]byte("7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 20"))
	if err != nil || got != 12345*tick {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := parseBorn([]byte("7 S 1")); err == nil {
		t.Error("a cut line is understood")
	}
}

// The mappings of a process are those of the one that is meant, not of another one with its number.
func TestMappingsOfAnotherProcess(t *testing.T) {
	m := newMappings("/proc")
	self := process.ID{PID: uint32(os.Getpid()), Start: 1 << 62}
	if all := m.of(self, []uint64{0}); len(all) == 0 {
		t.Error("no mappings of this process")
	}
	if all := m.of(process.ID{PID: self.PID, Start: 1}, []uint64{0}); all != nil {
		t.Errorf("mappings of a process that began before: %v", all)
	}
	if all := m.of(process.ID{PID: 1 << 30, Start: 1 << 62}, []uint64{0}); all != nil {
		t.Errorf("mappings of no process: %v", all)
	}
}
