// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

func TestAppendJSONDoesNotAllocate(t *testing.T) {
	for _, kind := range allKinds {
		g := newGenerator(uint64(kind))
		for range 20 {
			e := g.event(kind)
			buf := AppendJSON(nil, e)
			if n := testing.AllocsPerRun(10, func() { buf = AppendJSON(buf[:0], e) }); n != 0 {
				t.Errorf("%v: got %v allocations of %s", kind, n, buf)
			}
		}
	}
}

func TestAppendCompactDoesNotAllocate(t *testing.T) {
	options := CompactOptions{Color: true, Timestamps: true, StackTraces: true, ImaHash: true}
	for _, kind := range allKinds {
		e := realisticHook(kind)
		e.Process.Caps = &Capabilities{Effective: 1 << capSysAdmin}
		for _, function := range []string{"__x64_sys_write", "tcp_connect", "security_mmap_file", "other"} {
			e.Hook.Function = function
			buf, err := AppendCompact(nil, e, options)
			if err != nil {
				continue
			}
			n := testing.AllocsPerRun(10, func() { buf, _ = AppendCompact(buf[:0], e, options) })
			if n != 0 {
				t.Errorf("%v: got %v allocations of %s", kind, n, buf)
			}
		}
	}
}

func TestResetDoesNotAllocate(t *testing.T) {
	e := &Event{}
	var buf []byte
	record := []byte("text of a record")
	fill := func() {
		e.Reset()
		e.Kind = KindKprobe
		e.Hook.Args = append(e.Hook.Args, Arg{Kind: ArgInt}, Arg{Kind: ArgString, Bytes: record})
		buf = AppendJSON(buf[:0], e)
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}
