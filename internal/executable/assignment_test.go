// SPDX-License-Identifier: Apache-2.0

package executable

import (
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAssignment(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		if _, err := ParseAssignment("rax=1"); err == nil {
			t.Error("registers of x86-64 are written on " + runtime.GOARCH)
		}
		return
	}
	for text, want := range map[string]Assignment{
		"rax=11":                 {To: 80, Width: 8, Kind: Constant, Value: 11},
		"eax=0x10":               {To: 80, Width: 4, Kind: Constant, Value: 16},
		"ax=-1":                  {To: 80, Width: 2, Kind: Constant, Value: -1},
		"al=1":                   {To: 80, Width: 1, Kind: Constant, Value: 1},
		"ah=1":                   {To: 81, Width: 1, Kind: Constant, Value: 1},
		"sil=1":                  {To: 104, Width: 1, Kind: Constant, Value: 1},
		"di=2":                   {To: 112, Width: 2, Kind: Constant, Value: 2},
		"r8d=1":                  {To: 72, Width: 4, Kind: Constant, Value: 1},
		"r8w=1":                  {To: 72, Width: 2, Kind: Constant, Value: 1},
		"r15b=1":                 {To: 0, Width: 1, Kind: Constant, Value: 1},
		"rbp=(%rsp)":             {To: 32, Width: 8, Kind: Memory, From: 152},
		"rip=8(%rsp)":            {To: 128, Width: 8, Kind: Memory, From: 152, Value: 8},
		"rip=-8(%rbp)":           {To: 128, Width: 8, Kind: Memory, From: 32, Value: -8},
		"rsp=8%rsp":              {To: 152, Width: 8, Kind: Register, From: 152, Value: 8},
		"rax=%rdi":               {To: 80, Width: 8, Kind: Register, From: 112},
		"rax=0x8000000000000000": {To: 80, Width: 8, Kind: Constant, Value: -1 << 63},
	} {
		got, err := ParseAssignment(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{
		"", "rax", "rax=", "=1", "rax=x", "xyz=1", "cs=1", "rax=(%eax)", "rax=%al", "rax=(%rsp", "rax=%rsp)", "rax=()", "rax=1 ", "rax=0x1ffffffffffffffff", "eflags=1",
	} {
		if got, err := ParseAssignment(text); err == nil {
			t.Errorf("%q is understood as %+v", text, got)
		}
	}
}
