// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/vedette-io/vedette/bpf"
)

// FuzzDecode decodes arbitrary bytes. All that a record holds must be inside the size it states, what
// follows must not matter, and no record may panic.
func FuzzDecode(f *testing.F) {
	f.Add(AppendFork(nil, &bpf.Fork{}))
	f.Add(AppendExec(nil, sampleExec()))
	f.Add(AppendTask(nil, sampleExec()))
	f.Add(AppendExecData(nil, &ExecData{Data: []byte("abc")}))
	f.Add(AppendExit(nil, &bpf.Exit{}))
	f.Add(sampleHook())
	f.Add(AppendHookData(nil, &HookData{Data: []byte("abc")}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var d Decoder
		var r Record
		err := d.Decode(raw, &r)
		parts := append(slicesOf(&r, err), []byte{})
		for _, part := range parts {
			requireInside(t, part, raw, int(r.Header.Size))
		}
		if err != nil {
			return
		}
		other := append(bytes.Clone(raw[:r.Header.Size]), bytes.Repeat([]byte{0xa5}, 64)...)
		var again Record
		if err := d.Decode(other, &again); err != nil {
			t.Fatalf("the record alone does not decode: %v", err)
		}
		for i, part := range slicesOf(&again, nil) {
			if !bytes.Equal(part, parts[i]) {
				t.Fatalf("part %d depends on what follows the record", i)
			}
		}
		AppendArguments(nil, again.Exec.Args)
	})
}

func slicesOf(r *Record, err error) [][]byte {
	if err != nil {
		return nil
	}
	switch r.Type {
	case TypeExec, TypeTask:
		e := &r.Exec
		return [][]byte{e.Filename, e.Exe, e.CWD, e.Cgroup, e.Args}
	case TypeExecData:
		return [][]byte{r.ExecData.Data}
	case TypeHookData:
		return [][]byte{r.HookData.Data}
	case TypeHook:
		var parts [][]byte
		for v := range r.Hook.Values() {
			parts = append(parts, v.Content)
		}
		return parts
	}
	return nil
}

func requireInside(t *testing.T, part, raw []byte, size int) {
	t.Helper()
	if cap(part) != len(part) {
		t.Fatalf("a part of %d bytes has room for %d", len(part), cap(part))
	}
	if len(part) == 0 {
		return
	}
	at := uintptr(unsafe.Pointer(&part[0])) - uintptr(unsafe.Pointer(&raw[0]))
	if end := int(at) + len(part); end > size {
		t.Fatalf("a part ends at byte %d of %d", end, size)
	}
}
