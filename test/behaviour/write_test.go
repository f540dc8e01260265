// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/kernel"
)

// writableVars makes the program of the rows, to which links in the table's directory lead.
func writableVars(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	p := executabletest.BuildWritable(tb)
	for i := range 16 {
		// A file for each row: policies on the same place would all act.
		content, err := os.ReadFile(p.Path)
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("writable%d", i)), content, 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	return map[string]string{"OTHER": fmt.Sprintf("%#x", p.Other), "ADDRESS": fmt.Sprintf("%#x", p.OtherAddress)}
}

// changes makes a row whose actor runs a copy of the program, which ends with a status.
func changes(n int, name string, status int, spec string, want ...string) row {
	program := fmt.Sprintf("/writable%d", n)
	return row{
		name: name, spec: strings.ReplaceAll(spec, "$PROGRAM", "$DIR"+program),
		want: want,
		act: func(a *actor) {
			err := exec.Command(a.dir + program).Run()
			var exit *exec.ExitError
			a.check(errors.As(err, &exit) && exit.ExitCode() == status, "the program ended with %v, not %d", err, status)
		},
	}
}

// TestSet checks that Set writes an argument, and does not in monitor mode.
func TestSet(t *testing.T) { sets.run(t) }

const setSpec = `
usdts:
- path: $PROGRAM
  provider: test
  name: set
  args: [{index: 0, type: int}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchActions: [{action: Set, argIndex: 0, argValue: 41}%s]
`

var sets = register(table{name: "sets", needs: offers(kernel.FeatureWriteUser), vars: writableVars, rows: []row{
	changes(0, "set", 42, fmt.Sprintf(setSpec, ""), "child: SET $DIR/writable0:test:set(int 5)"),
	changes(1, "monitor", 6, "options: [{name: policy-mode, value: monitor}]\n"+strings.TrimPrefix(fmt.Sprintf(setSpec, ""), "\n"), "child: SET $DIR/writable1:test:set(int 5)"),
	changes(2, "silent", 42, fmt.Sprintf(setSpec, ", {action: NoPost}")),
	changes(3, "the last action is told", 42, fmt.Sprintf(setSpec, ", {action: Post}"), "child: $DIR/writable3:test:set(int 5)"),
	changes(4, "another value", 6, strings.Replace(fmt.Sprintf(setSpec, ""), `["5"]`, `["6"]`, 1)),
}})

// TestSetRefused checks that an argument in a register is not taken for one that can be written.
func TestSetRefused(t *testing.T) {
	r := mustRig(t)
	p := executabletest.BuildWritable(t)
	spec := strings.ReplaceAll(fmt.Sprintf(setSpec, ""), "$PROGRAM", p.Path)
	err := r.add(t, document("set-refused", strings.Replace(spec, "name: set", "name: register", 1)), "set-refused")
	if err == nil || !strings.Contains(err.Error(), `argument 0 of the static probe is at "-4@%edi", only one of 4 bytes in memory can be written`) {
		t.Error(err)
	}
}

// TestOverrideRegisters checks that Override at a uprobe writes registers.
func TestOverrideRegisters(t *testing.T) {
	err := kernel.Offered().Check(kernel.FeatureUprobeRegisters)
	if err == nil {
		registerWrites.run(t)
		return
	}
	r := mustRig(t)
	p := executabletest.BuildWritable(t)
	spec := strings.ReplaceAll(fmt.Sprintf(overrideSpec, "argError: 9"), "$PROGRAM", p.Path)
	if got := r.add(t, document("override-refused", spec), "override-refused"); got == nil || !strings.Contains(got.Error(), "needs Linux 6.18") {
		t.Errorf("error %v, where %v", got, err)
	}
}

const overrideSpec = `
uprobes:
- path: $PROGRAM
  symbols: [add]
  args: [{index: 0, type: int}]
  selectors: [{matchActions: [{action: Override, %s}]}]
`

func override(n int, name string, status int, how string) row {
	return changes(n, name, status, fmt.Sprintf(overrideSpec, how), fmt.Sprintf("child: OVERRIDE $DIR/writable%d:add@0x1000(int 5)", n))
}

var registerWrites = register(table{name: "register-writes", needs: offers(kernel.FeatureUprobeRegisters), vars: writableVars, rows: []row{
	override(0, "result", 9, "argError: 9"),
	override(1, "negative result", 255, "argError: -1"),
	override(2, "argument", 12, `argRegs: ["edi=11"]`),
	override(3, "part of an argument", 2, `argRegs: ["dil=1"]`),
	override(4, "upper part", 6, `argRegs: ["bh=1"]`),
	override(5, "return by hand", 33, `argRegs: ["rax=33", "rip=(%rsp)", "rsp=8%rsp"]`),
	override(6, "symbol", 77, "argNewSymbol: other"),
	override(7, "address", 77, "argNewAddr: $ADDRESS"),
	override(8, "offset", 77, "argNewOffset: $OTHER"),
	override(9, "register", 78, `argNewSymbol: other+5, argRegs: ["rax=78"]`),
	changes(10, "monitor", 6, "options: [{name: policy-mode, value: monitor}]\n"+strings.TrimPrefix(fmt.Sprintf(overrideSpec, "argError: 9"), "\n"),
		"child: OVERRIDE $DIR/writable10:add@0x1000(int 5)"),
}})
