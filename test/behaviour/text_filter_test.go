// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// rmdir tries to remove a directory that does not exist. Actors call it for nothing else.
func (a *actor) rmdir(path string) {
	b := append([]byte(path), 0)
	a.call(unix.SYS_RMDIR, address(b))
	runtime.KeepAlive(b)
}

// rmdirSpec hooks rmdir with filters on its path.
func rmdirSpec(filters ...string) string {
	spec := "kprobes:\n- call: sys_rmdir\n  args: [{index: 0, type: string}]\n"
	if len(filters) > 0 {
		spec += "  selectors: [{matchArgs: [{index: 0, " + strings.Join(filters, "}, {index: 0, ") + "}]}]\n"
	}
	return spec
}

// TestStringOperators checks every operator on text against the same paths, and that text that cannot be read
// matches no filter.
func TestStringOperators(t *testing.T) { stringOperators.run(t) }

// stringProbes are tried in each row, and after them a null pointer.
var stringProbes = []string{"/probe", "/probe/", "/probe/a", "/probe/a/b", "/probe/ab", "/var/probe/a", "relative", ""}

var stringOperators = register(table{name: "string-operators", rows: stringOperatorRows()})

func stringOperatorRows() []row {
	rows := []row{{
		name: "no filter",
		spec: rmdirSpec(),
		act:  probeStrings,
		want: append(rmdirs(stringProbes...), "sys_rmdir(error Bad address for basic type)"),
	}}
	for _, c := range []struct {
		filters []string
		want    string // an empty path is spelled ""
	}{
		{[]string{"operator: Equal, values: [/probe/a]"}, "/probe/a"},
		{[]string{"operator: Equal, values: [/probe/a, /nothing, relative]"}, "/probe/a relative"},
		{[]string{"operator: Equal, values: ['']"}, `""`},
		{[]string{`operator: Equal, values: ["/probe/a\0"]`}, "/probe/a"},
		{[]string{"operator: NotEqual, values: [/probe/a, '']"}, "/probe /probe/ /probe/a/b /probe/ab /var/probe/a relative"},
		{[]string{"operator: Prefix, values: [/probe/a]"}, "/probe/a /probe/a/b /probe/ab"},
		{[]string{"operator: Prefix, values: [/probe/a/, rel, /probe/a]"}, "/probe/a /probe/a/b /probe/ab relative"},
		{[]string{"operator: Prefix, values: [/probe]", "operator: NotPrefix, values: [/probe/a]"}, "/probe /probe/"},
		{[]string{"operator: NotPrefix, values: [/probe, /v]"}, `relative ""`},
		{[]string{"operator: Postfix, values: [/a]"}, "/probe/a /var/probe/a"},
		{[]string{"operator: Postfix, values: [/a/b, e, b]"}, "/probe /probe/a/b /probe/ab relative"},
		{[]string{"operator: NotPostfix, values: [a, b, /]"}, `/probe relative ""`},
		{[]string{"operator: Prefix, values: [/probe]", "operator: Postfix, values: [b]"}, "/probe/a/b /probe/ab"},
		{[]string{"operator: SubString, values: [be/a]"}, "/probe/a /probe/a/b /probe/ab /var/probe/a"},
		{[]string{"operator: SubString, values: [BE/A]"}, ""},
		{[]string{"operator: SubStringIgnCase, values: [Be/A, LAT]"}, "/probe/a /probe/a/b /probe/ab /var/probe/a relative"},
		{[]string{"operator: SubString, values: [/a]", "operator: SubString, values: [var, a/b]"}, "/probe/a/b /var/probe/a"},
		{[]string{"operator: SubString, values: ['', nothing]"}, `/probe /probe/ /probe/a /probe/a/b /probe/ab /var/probe/a relative ""`},
		{[]string{"operator: Prefix, values: [/probe/]", "operator: NotEqual, values: [/probe/ab]", "operator: NotPostfix, values: [/]"},
			"/probe/a /probe/a/b"},
	} {
		var want []string
		for path := range strings.FieldsSeq(c.want) {
			want = append(want, strings.Trim(path, `"`))
		}
		rows = append(rows, row{name: strings.Join(c.filters, " and "), spec: rmdirSpec(c.filters...), act: probeStrings, want: rmdirs(want...)})
	}
	return rows
}

func probeStrings(a *actor) {
	for _, path := range stringProbes {
		a.rmdir(path)
	}
	a.call(unix.SYS_RMDIR, 0)
}

// rmdirs are the events of calls of rmdir.
func rmdirs(paths ...string) []string {
	var lines []string
	for _, path := range paths {
		lines = append(lines, "sys_rmdir(string "+long(path)+")")
	}
	return lines
}

// TestStringLengths checks comparison where lengths are next to what tables and buffers are made of: only the path of
// that very length, and with that very end, is equal.
func TestStringLengths(t *testing.T) { stringLengths.run(t) }

var stringLengths = register(table{name: "string-lengths", rows: stringLengthRows()})

func stringLengthRows() []row {
	var rows []row
	for _, n := range []int{1, 24, 25, 48, 49, 72, 73, 96, 97, 120, 121, 144, 145, 255, 256, 257, 512, 513, 1024, 1025, 2048, 2049, 4094, 4095} {
		probe := func(a *actor) {
			for _, path := range []string{path(n - 1), path(n), path(n)[:n-1] + "y", path(n + 1)} {
				a.rmdir(path)
			}
		}
		rows = append(rows,
			row{name: fmt.Sprint("Equal ", n), spec: rmdirSpec("operator: Equal, values: [" + path(n) + "]"),
				act: probe, want: rmdirs(path(n))},
			row{name: fmt.Sprint("Prefix ", n), spec: rmdirSpec("operator: Prefix, values: [" + path(n) + "]"),
				act: probe, want: rmdirs(path(n), path(n+1))})
		if n > 2 {
			rows = append(rows, row{name: fmt.Sprint("SubString ", n), spec: rmdirSpec("operator: SubString, values: [xy, " + path(n)[1:] + "x]"),
				act: probe, want: rmdirs(path(n)[:n-1]+"y", path(n+1))})
		}
	}
	for _, n := range []int{1, 24, 25, 127, 128} {
		rows = append(rows, row{
			name: fmt.Sprint("Postfix ", n),
			spec: rmdirSpec("operator: Postfix, values: [" + strings.Repeat("z", n) + "]"),
			act: func(a *actor) {
				for _, k := range []int{n - 1, n, n + 1} {
					a.rmdir("/" + strings.Repeat("z", k))
				}
				a.rmdir("/" + strings.Repeat("x", 1000) + strings.Repeat("z", n))
				a.rmdir("/" + strings.Repeat("z", n) + "x")
			},
			want: rmdirs("/"+strings.Repeat("z", n), "/"+strings.Repeat("z", n+1), "/"+strings.Repeat("x", 1000)+strings.Repeat("z", n)),
		})
	}
	rows = append(rows, row{
		// Its end is not known: only a prefix can be compared.
		name: "longer than what is read",
		spec: rmdirSpec("operator: Prefix, values: [/xxx]"),
		act:  func(a *actor) { a.rmdir(path(5000)) },
		want: rmdirs(path(4096)),
	}, row{
		name: "longer than what is read, no end",
		spec: rmdirSpec("operator: Prefix, values: [/xxx]", "operator: NotPostfix, values: [q]"),
		act:  func(a *actor) { a.rmdir(path(5000)) },
	}, row{
		name: "longer than what is read, in it",
		spec: rmdirSpec("operator: SubString, values: [xxx]"),
		act:  func(a *actor) { a.rmdir(path(5000)) },
		want: rmdirs(path(4096)),
	}, row{
		name: "longer than what is read, not in it",
		spec: rmdirSpec("operator: SubString, values: [xxxy]"),
		act:  func(a *actor) { a.rmdir(path(5000) + "y") },
	}, row{
		name: "longer than what is read, not equal",
		spec: rmdirSpec("operator: Prefix, values: [/xxx]", "operator: NotEqual, values: [/other]"),
		act:  func(a *actor) { a.rmdir(path(5000)) },
		want: rmdirs(path(4096)),
	})
	return rows
}

// path is a path of a length.
func path(n int) string {
	if n == 0 {
		return ""
	}
	return "/" + strings.Repeat("x", n-1)
}

// TestOpenat checks text arguments of the call that opens files, with flags beside them.
func TestOpenat(t *testing.T) { openat.run(t) }

var openat = register(table{name: "openat", rows: []row{
	{
		name: "directory, path and flags",
		spec: `
kprobes:
- call: __x64_sys_openat
  args: [{index: 0, type: int}, {index: 1, type: string}, {index: 2, type: int}]
  selectors: [{matchArgs: [{index: 1, operator: Equal, values: [/probe/openat]}]}]
`,
		act:  func(a *actor) { a.openatFlags("/probe/openat", unix.O_CREAT|unix.O_EXCL) },
		want: []string{"sys_openat(int -100, string /probe/openat, int 192)"},
	},
	{
		name: "an expression over directory and flags",
		spec: `
kprobes:
- call: sys_openat
  args: [{index: 0, type: int}, {index: 1, type: string}, {index: 2, type: uint32}]
  selectors:
  - matchArgs:
    - {index: 1, operator: SubString, values: [be/expr]}
    - operator: CelExpr
      values: ["arg0 == -100 && and(arg2, 1024) != 0", "arg0 + 1 == 8 && arg2 == 0"]
`,
		act: func(a *actor) {
			a.openatFlags("/probe/expression", unix.O_WRONLY|unix.O_APPEND)
			a.openatFlags("/probe/expression", unix.O_WRONLY|unix.O_TRUNC)
			a.openatFlags("/probe/other", unix.O_WRONLY|unix.O_APPEND)
		},
		want: []string{"sys_openat(int -100, string /probe/expression, uint 1025)"},
	},
	openatMask("1024"), openatMask("0x400"), openatMask("02000"), // each is O_APPEND
	{
		name: "invalid UTF-8 is replaced",
		spec: `
kprobes:
- call: sys_openat
  args: [{index: 1, type: string}]
  selectors: [{matchArgs: [{index: 1, operator: Postfix, values: [-latin1]}]}]
`,
		act:  func(a *actor) { a.openat("/probe/\xe4-latin1") },
		want: []string{"sys_openat(string /probe/\uFFFD-latin1)"},
	},
}})

func openatMask(value string) row {
	return row{
		name: "flags by mask " + value,
		spec: `
kprobes:
- call: sys_openat
  args: [{index: 1, type: string}, {index: 2, type: int}]
  selectors:
  - matchArgs:
    - {index: 1, operator: Equal, values: [/probe/mask]}
    - {index: 2, operator: Mask, values: ["` + value + `"]}
`,
		act: func(a *actor) {
			a.openatFlags("/probe/mask", unix.O_WRONLY|unix.O_APPEND)
			a.openatFlags("/probe/mask", unix.O_WRONLY|unix.O_TRUNC)
			a.openatFlags("/probe/other", unix.O_WRONLY|unix.O_APPEND)
		},
		want: []string{"sys_openat(string /probe/mask, int 1025)"},
	}
}
