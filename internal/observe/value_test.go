// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

func TestArgOf(t *testing.T) {
	minus := ^uint64(4) // -5
	text := []byte("/etc/passwd")
	tests := map[string]struct {
		value record.Value
		want  event.Arg
	}{
		"s8":       {record.Value{Type: record.ValueS8, Num: minus}, event.Arg{Kind: event.ArgInt, Int: -5}},
		"s16":      {record.Value{Type: record.ValueS16, Num: minus}, event.Arg{Kind: event.ArgInt, Int: -5}},
		"s32":      {record.Value{Type: record.ValueS32, Num: minus}, event.Arg{Kind: event.ArgInt, Int: -5}},
		"u8":       {record.Value{Type: record.ValueU8, Num: 255}, event.Arg{Kind: event.ArgUint, Uint: 255}},
		"u16":      {record.Value{Type: record.ValueU16, Num: 65535}, event.Arg{Kind: event.ArgUint, Uint: 65535}},
		"u32":      {record.Value{Type: record.ValueU32, Num: 1 << 31}, event.Arg{Kind: event.ArgUint, Uint: 1 << 31}},
		"s64":      {record.Value{Type: record.ValueS64, Num: minus}, event.Arg{Kind: event.ArgLong, Int: -5}},
		"u64":      {record.Value{Type: record.ValueU64, Num: minus}, event.Arg{Kind: event.ArgSize, Uint: minus}},
		"size":     {record.Value{Type: record.ValueSize, Num: 7}, event.Arg{Kind: event.ArgSize, Uint: 7}},
		"string":   {record.Value{Type: record.ValueString, Content: text}, event.Arg{Kind: event.ArgString, Bytes: text}},
		"filename": {record.Value{Type: record.ValueFilename, Content: text}, event.Arg{Kind: event.ArgString, Bytes: text}},
		"data_loc": {record.Value{Type: record.ValueDataLoc, Content: text}, event.Arg{Kind: event.ArgString, Bytes: text}},
		"fd": {record.Value{Type: record.ValueFD, Num: 0o100600, Content: text},
			event.Arg{Kind: event.ArgFile, Mode: 0o100600, Bytes: text}},
		"file, components missing": {record.Value{Type: record.ValueFile, Status: record.StatusUnresolved, Content: text},
			event.Arg{Kind: event.ArgFile, Bytes: text, Flags: "unresolvedPathComponents"}},
		"path": {record.Value{Type: record.ValuePath, Num: 0o040755, Content: text},
			event.Arg{Kind: event.ArgPath, Mode: 0o040755, Bytes: text}},
		"pipe": {record.Value{Type: record.ValueFD, Status: record.StatusNoPath, Num: 0o010600},
			event.Arg{Kind: event.ArgFile, Mode: 0o010600, Bytes: []byte("/")}},
		"buffer": {record.Value{Type: record.ValueCharBuf, Num: 11, Content: text},
			event.Arg{Kind: event.ArgBytes, Bytes: text}},
		"long buffer": {record.Value{Type: record.ValueCharBuf, Status: record.StatusTruncated, Num: 4096, Content: text},
			event.Arg{Kind: event.ArgTruncatedBytes, Bytes: text, Uint: 4096}},
		"nothing": {record.Value{}, event.Arg{}},
		"bad pointer": {record.Value{Type: record.ValueString, Status: record.StatusFailed},
			event.Arg{Kind: event.ArgError, Bytes: []byte("Bad address for basic type")}},
		"bad descriptor": {record.Value{Type: record.ValueFD, Status: record.StatusFailed},
			event.Arg{Kind: event.ArgError, Bytes: []byte("Bad file descriptor")}},
		"bad way": {record.Value{Type: record.ValueU32, Status: record.StatusFailed | record.StatusUnreached, Num: 10},
			event.Arg{Kind: event.ArgError, Bytes: []byte("Bad address encountered during resolve dereference at depth 10")}},
		"way of a corrupt record": {record.Value{Type: record.ValueU32, Status: record.StatusFailed | record.StatusUnreached, Num: minus},
			event.Arg{Kind: event.ArgError, Bytes: []byte("Bad address for basic type")}},
		"bad path": {record.Value{Type: record.ValuePath, Status: record.StatusFailed},
			event.Arg{Kind: event.ArgError, Bytes: []byte("Path could not be read")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, argOf(&test.value)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSyscallID(t *testing.T) {
	native, compat := "x64", "i386"
	if runtime.GOARCH == "arm64" {
		native, compat = "arm64", "arm32"
	}
	for status, want := range map[record.Status]string{0: native, record.StatusCompat: compat} {
		got := argOf(&record.Value{Type: record.ValueSyscall64, Status: status, Num: 8})
		if diff := cmp.Diff(event.Arg{Kind: event.ArgSyscallID, Uint: 8, Text: want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
