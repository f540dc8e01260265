// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/kernel"
)

// TestPrograms checks hooks in programs: what their events say, and that they can end who gets there.
func TestPrograms(t *testing.T) { programs.run(t) }

// programVars makes the program of the rows, to which a link in the table's directory leads.
func programVars(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	p := executabletest.Build(tb)
	if err := os.Symlink(p.Path, filepath.Join(dir, "program")); err != nil {
		tb.Fatal(err)
	}
	// Another name of the same file.
	if err := os.Link(p.Path, filepath.Join(dir, "killed")); err != nil {
		tb.Fatal(err)
	}
	hex := func(n uint64) string { return fmt.Sprintf("%#x", n) }
	return map[string]string{"GREET": hex(p.Greet), "BEHIND": hex(p.Greet + 3), "ADDRESS": hex(p.GreetAddress), "SEMAPHORE": hex(p.Semaphore), "TEXT": executabletest.Text}
}

// runs makes a row whose actor runs the program.
func runs(name, spec string, want ...string) row {
	return row{name: name, spec: spec, want: want, act: func(a *actor) { a.program() }}
}

// program runs the program to its end.
func (a *actor) program() {
	err := exec.Command(a.dir + "/program").Run()
	if exit, ok := err.(*exec.ExitError); ok && exit.Exited() {
		return // its status is the number of users of its semaphore
	}
	a.must(err)
}

// perCall are lines for every call of the program's function, with N in place of its argument and R of its result.
func perCall(line string) []string {
	var lines []string
	for n := executabletest.Calls; n > 0; n-- {
		line := strings.ReplaceAll(line, " N", " "+strconv.Itoa(n))
		lines = append(lines, "child: "+strings.ReplaceAll(line, " R", " "+strconv.Itoa(n+1)))
	}
	return lines
}

var programs = register(table{name: "programs", vars: programVars, rows: []row{
	runs("symbol", `
uprobes:
- path: $DIR/program
  symbols: [greet]
  args: [{index: 0, type: int}, {index: 1, type: string}]
  message: greeted
  tags: [greeting]
`, perCall(`$DIR/program:greet@$GREET(int N, string $TEXT) "greeted" ["greeting"]`)...),
	runs("text and number", `
uprobes:
- path: $DIR/program
  symbols: [greet]
  args: [{index: 0, type: int}, {index: 1, type: string}]
  selectors:
  - matchArgs:
    - {index: 0, operator: InRange, values: ["2:3"]}
    - {index: 1, operator: Prefix, values: [a text]}
  - matchArgs:
    - {index: 1, operator: Equal, values: [a text]}
`, "child: $DIR/program:greet@$GREET(int 3, string $TEXT)", "child: $DIR/program:greet@$GREET(int 2, string $TEXT)"),
	runs("address, with a bad argument", `
uprobes:
- path: $DIR/program
  addrs: [$ADDRESS]
  args: [{index: 2, type: string}]
  selectors: [{matchBinaries: [{operator: Postfix, values: [/program]}]}]
`, perCall("$DIR/program:@$GREET(error Bad address for basic type)")...),
	runs("offset, with a counter", `
uprobes:
- path: $DIR/program
  offsets: [$BEHIND]
  refCtrOffsets: [$SEMAPHORE]
  args: [{index: 1, type: char_buf, sizeArgIndex: 1}]
  selectors: [{matchArgs: [{index: 1, operator: Postfix, values: [tex]}]}]
`, "child: $DIR/program:@$BEHIND/$SEMAPHORE(bytes a tex)"),
	runs("return", `
uprobes:
- path: $DIR/program
  symbols: [greet]
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: uint8}]
`, perCall("$DIR/program:greet@$GREET(uint N, int R)")...),
	{
		name: "kill",
		spec: `
uprobes:
- path: $DIR/program
  symbols: [greet]
  args: [{index: 0, type: int}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["3"]}], matchActions: [{action: Sigkill}], matchBinaries: [{operator: In, values: [$DIR/killed]}]}]
`,
		act: func(a *actor) {
			err := exec.Command(a.dir + "/killed").Run()
			a.check(err != nil && err.Error() == "signal: killed", "the program ended with %v", err)
		},
		want: []string{"child: SIGKILL $DIR/program:greet@$GREET(int 3)"},
	},
}})

// TestProbes checks static probes. The places of the program's one have their arguments in different registers.
func TestProbes(t *testing.T) { probes.run(t) }

var probes = register(table{name: "probes", needs: offers(kernel.FeatureCookies), vars: programVars, rows: []row{
	runs("static probe", `
usdts:
- path: $DIR/program
  provider: test
  name: site
  args: [{index: 0, type: int}, {index: 1, type: string}, {index: 2, type: int64}, {index: 3, type: uint32}]
  selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["4"]}]}]
`, "child: $DIR/program:test:site(int 4, string $TEXT, long -7, uint 4)", "child: $DIR/program:test:site(int 4, string $TEXT, long -7, uint 4)"),
}})
