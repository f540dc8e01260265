// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"slices"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
)

// TestSites checks which hooks places in programs are, and that policies
// share them.
func TestSites(t *testing.T) {
	first := mustParse(t, spec("first", `  uprobes:
  - path: /bin//sh
    symbols: [main, main+0x10, main, main+16]
    message: a message
    args: [{index: 0, type: int}]
  - path: /lib/lib.so
    offsets: [0x1000, 0x2000]
    refCtrOffsets: [0, 0x3000]
    return: true
    returnArg: {index: 0, type: long}
  - path: /lib/lib.so
    addrs: [0x1000]
  usdts:
  - {path: /bin/../bin/sh, provider: p, name: n, args: [{index: 11, type: string}]}
`))
	second := mustParse(t, spec("second", `  uprobes:
  - path: /bin/sh
    symbols: [main]
    args: [{index: 1, type: string}]
    selectors:
    - matchArgs: [{index: 1, operator: Prefix, values: [a]}]
      matchActions: [{action: Sigkill}]
`))
	plan := mustCompile(t, first, second)
	var names []string
	for _, h := range plan.Hooks {
		names = append(names, h.Key.Name)
	}
	want := []string{
		"/bin/sh:main", "/bin/sh:main+0x10", "/lib/lib.so:address 0x1000", "/lib/lib.so:offset 0x1000",
		"/lib/lib.so:offset 0x2000 (reference counter at 0x3000)", "/bin/sh:p:n",
	}
	if !slices.Equal(names, want) {
		t.Fatalf("hooks %q, want %q", names, want)
	}
	main := plan.Hooks[0]
	if site, ok := main.Site(); !ok || site != (compile.Site{By: compile.SiteSymbol, Path: "/bin/sh", Symbol: "main"}) {
		t.Errorf("site %+v, %v", site, ok)
	}
	if len(main.Groups) != 2 || len(main.Slots) != 2 || main.Groups[0].Message != "a message" || main.HasReturn {
		t.Errorf("hook %+v", main)
	}
	counted := plan.Hooks[4]
	if site, _ := counted.Site(); site.RefCtrOffset != 0x3000 || site.Offset != 0x2000 || !counted.HasReturn {
		t.Errorf("site %+v", site)
	}
	probe := plan.Hooks[5]
	if site, ok := probe.Site(); !ok || probe.Key.Kind != compile.HookUSDT || site.Provider != "p" || site.Name != "n" || probe.Slots[0].Index != 11 {
		t.Errorf("static probe %+v", probe)
	}
	read := mustCompile(t, mustParse(t, spec("read", "  kprobes:\n  - call: sys_read\n"))).Hooks[0]
	if site, ok := read.Site(); ok {
		t.Errorf("a system call is at %v", site)
	}
}
