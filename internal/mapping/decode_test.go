// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/observe"
)

// words are numbers as the kernel writes them.
func words(values ...any) []byte {
	var out []byte
	for _, v := range values {
		var err error
		if out, err = binary.Append(out, binary.NativeEndian, v); err != nil {
			panic(err)
		}
	}
	return out
}

// rawRecord is a record of process 10, thread 11, at a time.
func rawRecord(kind uint32, misc uint16, time uint64, body []byte) []byte {
	return append(append(words(kind, misc, uint16(headerSize+len(body)+tailSize)), body...), words(uint32(10), uint32(11), time)...)
}

// place is where a mapping is and, as 24 bytes, which file it is of.
func place(file []byte) []byte {
	body := words(uint32(10), uint32(11), uint64(0x1000), uint64(0x2000), uint64(0))
	return append(append(body, file...), words(uint32(5), uint32(2))...)
}

func rawMapping(time uint64, path string) []byte {
	body := append(place(words(uint32(8), uint32(1), uint64(77), uint64(1))), path...)
	return rawRecord(unix.PERF_RECORD_MMAP2, 2, time, append(body, make([]byte, 8-len(path)%8)...))
}

func TestDecode(t *testing.T) {
	id := []byte("0123456789abcdefghij")
	withID := append(place(append([]byte{20, 0, 0, 0}, id...)), "/lib/x\x00\x00"...)
	longID := append(place(append([]byte{255, 0, 0, 0}, id...)), "/lib/x\x00\x00"...)
	of := observe.Mapping{PID: 10, TID: 11, Time: 5}
	mapped := observe.Mapping{PID: 10, TID: 11, Time: 5, Start: 0x1000, Size: 0x2000, Path: []byte("/lib/x")}
	inode, buildID := mapped, mapped
	inode.Device, inode.Inode = unix.Mkdev(8, 1), 77
	buildID.BuildID = id
	ended := of
	ended.PID, ended.TID = 20, 21
	for _, test := range []struct {
		name string
		raw  []byte
		want sideband
	}{
		{"inode", rawMapping(5, "/lib/x"), sideband{kind: unix.PERF_RECORD_MMAP2, mapping: inode}},
		{"build id", rawRecord(unix.PERF_RECORD_MMAP2, miscBuildID, 5, withID), sideband{kind: unix.PERF_RECORD_MMAP2, mapping: buildID}},
		{"build id too long", rawRecord(unix.PERF_RECORD_MMAP2, miscBuildID, 5, longID), sideband{kind: unix.PERF_RECORD_MMAP2, mapping: buildID}},
		{"name", rawRecord(unix.PERF_RECORD_COMM, 0, 5, []byte("sh\x00\x00\x00\x00\x00\x00")), sideband{kind: unix.PERF_RECORD_COMM, mapping: of}},
		{"exec", rawRecord(unix.PERF_RECORD_COMM, miscCommExec, 5, nil), sideband{kind: unix.PERF_RECORD_COMM, mapping: of, exec: true}},
		{"exit", rawRecord(unix.PERF_RECORD_EXIT, 0, 5, words(uint32(20), uint32(1), uint32(21), uint32(1), uint64(5))),
			sideband{kind: unix.PERF_RECORD_EXIT, mapping: ended}},
		{"lost", rawRecord(unix.PERF_RECORD_LOST, 0, 5, words(uint64(1), uint64(9))), sideband{kind: unix.PERF_RECORD_LOST, mapping: of, lost: 9}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := decode(test.raw)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(sideband{})); !ok || diff != "" {
				t.Errorf("%v (-want +got):\n%s", ok, diff)
			}
		})
	}
	for kind := range uint32(16) {
		for n := range 40 {
			if got, ok := decode(rawRecord(kind, 0, 1, make([]byte, 0))[:min(n, 24)]); ok && kind != unix.PERF_RECORD_COMM {
				t.Errorf("kind %d of %d bytes: %+v", kind, n, got)
			}
		}
	}
}

func TestIsFile(t *testing.T) {
	for path, want := range map[string]bool{
		"/lib/x": true, "//toolong": true, "/memfd:x (deleted)": true, "//anon": false, "[vdso]": false, "anon_inode:[x]": false, "": false,
	} {
		if isFile([]byte(path)) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}

func TestParseCPUs(t *testing.T) {
	for text, want := range map[string][]int{"0\n": {0}, "0-3,5,7-8\n": {0, 1, 2, 3, 5, 7, 8}} {
		if got, err := parseCPUs(text); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "3-1", "-1", "0-99999999", "0,,1"} {
		if got, err := parseCPUs(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestRing checks records that go round the end of the data.
func TestRing(t *testing.T) {
	r := &ring{page: &unix.PerfEventMmapPage{}, data: make([]byte, 256)}
	var got []uint64
	for i := range uint64(20) {
		record := rawMapping(i, "/lib/x")
		for n, b := range record {
			r.data[(r.page.Data_head+uint64(n))%256] = b
		}
		r.page.Data_head += uint64(len(record))
		r.drain(func(raw []byte) {
			s, ok := decode(raw)
			if !ok || string(s.mapping.Path) != "/lib/x" {
				t.Fatalf("%v: %+v", ok, s)
			}
			got = append(got, s.mapping.Time)
		})
	}
	if len(got) != 20 || got[19] != 19 || r.page.Data_tail != r.page.Data_head {
		t.Errorf("%v, read until %d of %d", got, r.page.Data_tail, r.page.Data_head)
	}
}

// TestHandle checks the order of records of several rings, and what is known of execs.
func TestHandle(t *testing.T) {
	s := &Source{execs: map[uint32]uint64{}}
	for _, raw := range [][]byte{
		rawMapping(3, "/lib/x"), rawMapping(1, "//anon"), rawRecord(unix.PERF_RECORD_COMM, miscCommExec, 2, nil),
		rawRecord(unix.PERF_RECORD_LOST, 0, 9, words(uint64(1), uint64(4))),
		rawRecord(unix.PERF_RECORD_EXIT, 0, 5, words(uint32(10), uint32(1), uint32(11), uint32(1), uint64(5))), rawMapping(6, "/lib/y"),
		rawRecord(unix.PERF_RECORD_EXIT, 0, 7, words(uint32(10), uint32(1), uint32(10), uint32(1), uint64(5))), rawMapping(8, "/lib/z"),
	} {
		s.take(raw)
	}
	execs := map[string]uint64{}
	if lost := s.Drain(func(m observe.Mapping) { execs[string(m.Path)] = m.Exec }); lost != 4 {
		t.Errorf("%d lost", lost)
	}
	if diff := cmp.Diff(map[string]uint64{"/lib/x": 2, "/lib/y": 2, "/lib/z": 0}, execs); diff != "" {
		t.Errorf("execs (-want +got):\n%s", diff)
	}
	if lost := s.Drain(func(m observe.Mapping) { t.Errorf("again: %+v", m) }); lost != 0 {
		t.Errorf("%d lost again", lost)
	}
	for pid := range uint32(3 * maxExecs) {
		s.noteExec(pid, 1)
	}
	if len(s.execs) > maxExecs {
		t.Errorf("%d execs are known", len(s.execs))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(rawMapping(1, "/lib/x"))
	f.Add(rawRecord(unix.PERF_RECORD_LOST, 0, 1, words(uint64(1), uint64(2))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, ok := decode(raw); ok && (len(s.mapping.BuildID) > maxBuildID || len(s.mapping.Path) > len(raw)) {
			t.Errorf("%+v", s)
		}
	})
}
