// SPDX-License-Identifier: Apache-2.0

package mappingtest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// BuildIDLen is how long the build ids of the files are, in bytes.
const BuildIDLen = 20

// Map maps the first page of a file with a protection such as PROT_EXEC until
// the test ends, and returns its memory.
func Map(tb testing.TB, path string, protection int) []byte {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	mem, err := unix.Mmap(int(file.Fd()), 0, os.Getpagesize(), protection, unix.MAP_PRIVATE)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			tb.Error(err)
		}
	})
	return mem
}

// Library writes a file that is the beginning of a shared library with a build
// id, and nothing else, and returns its path.
func Library(tb testing.TB, name, buildID string) string {
	tb.Helper()
	if len(buildID) != BuildIDLen {
		tb.Fatalf("build id %q has not %d bytes", buildID, BuildIDLen)
	}
	little := binary.LittleEndian
	b := make([]byte, os.Getpagesize())
	copy(b, "\x7fELF\x02\x01\x01") // 64-bit, little-endian
	little.PutUint16(b[16:], 3)    // ET_DYN
	little.PutUint32(b[20:], 1)    // version
	little.PutUint64(b[32:], 64)   // where segments are described
	little.PutUint16(b[54:], 56)   // how long such a description is
	little.PutUint16(b[56:], 1)    // how many there are
	little.PutUint32(b[64:], 4)    // PT_NOTE
	little.PutUint64(b[72:], 120)  // where it is
	little.PutUint64(b[96:], 16+BuildIDLen)
	little.PutUint64(b[104:], 16+BuildIDLen)
	little.PutUint32(b[120:], 4)
	little.PutUint32(b[124:], BuildIDLen)
	little.PutUint32(b[128:], 3) // NT_GNU_BUILD_ID
	copy(b[132:], "GNU\x00"+buildID)
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		tb.Fatal(err)
	}
	return path
}
