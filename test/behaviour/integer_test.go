// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"strings"
	"testing"
)

// TestIntegerTypes checks that an argument is taken at the width and with the sign that its type has, whatever else
// is in the register.
func TestIntegerTypes(t *testing.T) { integerTypes.run(t) }

// mixed has a different sign at each width: 8 bits -16, 16 bits -8464, 32 bits -1698898192, 64 bits positive.
const mixed = 0x123456789abcdef0

var integerTypes = register(table{name: "integer-types", rows: integerTypeRows()})

func integerTypeRows() []row {
	var rows []row
	for _, c := range []struct{ names, mixed, ones string }{
		{"int8 sint8", "int -16", "int -1"},
		{"uint8", "uint 240", "uint 255"},
		{"int16 sint16", "int -8464", "int -1"},
		{"uint16", "uint 57072", "uint 65535"},
		{"int int32 sint32", "int -1698898192", "int -1"},
		{"uint32", "uint 2596069104", "uint 4294967295"},
		{"long int64 sint64", "long 1311768467463790320", "long -1"},
		{"ulong uint64 size_t", "size 1311768467463790320", "size 18446744073709551615"},
	} {
		for name := range strings.FieldsSeq(c.names) {
			rows = append(rows, row{
				name: name,
				spec: lseekSpec(name, ""),
				act: func(a *actor) {
					a.lseek(-1, mixed)
					a.lseek(-1, ^uint64(0))
					a.lseek(-1, 0)
				},
				want: []string{"sys_lseek(" + c.mixed + ")", "sys_lseek(" + c.ones + ")", "sys_lseek(" + strings.Fields(c.ones)[0] + " 0)"},
			})
		}
	}
	return rows
}

// lseekSpec hooks lseek, which actors call for this only, with its offset as an argument of a type, and a filter on
// that, such as "operator: GT, values: ['3']".
func lseekSpec(argType, filter string) string {
	spec := fmt.Sprintf(`
kprobes:
- call: sys_lseek
  args: [{index: 1, type: %s}]
`, argType)
	if filter != "" {
		spec += "  selectors: [{matchArgs: [{index: 1, " + filter + "}]}]\n"
	}
	return spec
}

// TestIntegerOperators checks every operator on integers against the same numbers.
func TestIntegerOperators(t *testing.T) { integerOperators.run(t) }

var integerOperators = register(table{name: "integer-operators", rows: integerOperatorRows()})

// The numbers that are tried. Whatever does not fit a type is what the register has beside the value.
var (
	signedProbes   = []int64{-2147483648, -300, -5, -1, 0, 1, 5, 8, 10, 4444, 2147483647}
	unsignedProbes = []int64{0, 1, 5, 8, 10, 4444, 2147483647, 4294967295, 1 << 40, -1}
	// garbageProbes are small numbers as int32, behind garbage.
	garbageProbes = []int64{0x7fff_0000_0000_0005, 0x1_ffff_ffff, -0xffff_fffb}
)

func integerOperatorRows() []row {
	var rows []row
	for _, c := range []struct {
		argType, operator, values string
		probes                    []int64
		want                      string
	}{
		{"int32", "Equal", "5", signedProbes, "5"},
		{"int32", "Equal", "5, -1, 4444", signedProbes, "-1 5 4444"},
		{"int32", "Equal", "0x5, 010", signedProbes, "5 8"},
		{"int32", "Equal", "-2147483648, 2147483647", signedProbes, "-2147483648 2147483647"},
		{"int32", "Equal", "5, -1", garbageProbes, "5 -1 5"},
		{"int32", "NotEqual", "5, -1", signedProbes, "-2147483648 -300 -5 0 1 8 10 4444 2147483647"},
		{"int32", "GT", "5", signedProbes, "8 10 4444 2147483647"},
		{"int32", "GT", "-5", signedProbes, "-1 0 1 5 8 10 4444 2147483647"},
		{"int32", "GreaterThan", "4444, 10", signedProbes, "4444 2147483647"},
		{"int32", "LT", "0", signedProbes, "-2147483648 -300 -5 -1"},
		{"int32", "LT", "-5", signedProbes, "-2147483648 -300"},
		{"int32", "LessThan", "-5, 1", signedProbes, "-2147483648 -300 -5 -1 0"},
		{"int32", "LT", "-2147483648", signedProbes, ""},
		{"int32", "InRange", "'-5:5'", signedProbes, "-5 -1 0 1 5"},
		{"int32", "InRange", "'-300:-5', '8:8'", signedProbes, "-300 -5 8"},
		{"int32", "NotInRange", "'-5:5'", signedProbes, "-2147483648 -300 8 10 4444 2147483647"},
		{"int32", "InMap", "'-1', '8', '4000:5000'", signedProbes, "-1 8 4444"},
		{"int32", "NotInMap", "'-300:8', '10'", signedProbes, "-2147483648 4444 2147483647"},
		{"int32", "Mask", "'0x8'", signedProbes, "-5 -1 8 10 4444 2147483647"},
		{"int32", "Mask", "010", []int64{0, 7, 8, 16}, "8"},
		{"int32", "Mask", "'8'", []int64{0, 7, 8, 16}, "8"},
		{"int32", "Mask", "'2', '16'", []int64{0, 7, 8, 16, 18}, "7 16 18"},
		{"int8", "LT", "0", []int64{-128, -1, 0, 127, 128, 255}, "-128 -1 -128 -1"},
		{"int8", "Equal", "'-16'", []int64{mixed, -16, 16}, "-16 -16"},
		{"int16", "GT", "'-1'", []int64{-1, 0, 0x8000, 0x7fff}, "0 32767"},
		{"uint8", "GT", "127", []int64{mixed, 127, 128, 256, -1}, "240 128 255"},
		{"uint16", "InRange", "'57000:58000'", []int64{mixed, 57000, 58000, 58001}, "57072 57000 58000"},
		{"uint32", "GT", "2147483647", unsignedProbes, "4294967295 4294967295"},
		{"uint32", "Equal", "4294967295", unsignedProbes, "4294967295 4294967295"},
		{"uint32", "NotEqual", "0", []int64{0, 1 << 40, 1}, "1"},
		{"int64", "LT", "0", signedProbes, "-2147483648 -300 -5 -1"},
		{"int64", "Equal", "1311768467463790320", []int64{mixed, mixed & 0xffff_ffff}, "1311768467463790320"},
		{"int64", "InRange", "'-9223372036854775808:-300'", signedProbes, "-2147483648 -300"},
		{"uint64", "GT", "0x7fffffffffffffff", unsignedProbes, "18446744073709551615"},
		{"uint64", "Equal", "18446744073709551615", unsignedProbes, "18446744073709551615"},
		{"uint64", "Mask", "0x10000000000", unsignedProbes, "1099511627776 18446744073709551615"},
		// The whole width counts, not only its lower half.
		{"size_t", "Equal", "5", []int64{5, 1<<32 + 5}, "5"},
		{"size_t", "LT", "10", unsignedProbes, "0 1 5 8"},
		{"ulong", "NotInRange", "'5:4294967295'", unsignedProbes, "0 1 1099511627776 18446744073709551615"},
		{"long", "InMap", "'-5', '4444'", signedProbes, "-5 4444"},
	} {
		var want []string
		for number := range strings.FieldsSeq(c.want) {
			want = append(want, fmt.Sprintf("sys_lseek(%s %s)", integerKinds[c.argType], number))
		}
		rows = append(rows, row{
			name: c.argType + " " + c.operator + " " + c.values,
			spec: lseekSpec(c.argType, fmt.Sprintf("operator: %s, values: [%s]", c.operator, quotedValues(c.values))),
			act: func(a *actor) {
				for _, probe := range c.probes {
					a.lseek(-1, uint64(probe))
				}
			},
			want: want,
		})
	}
	return rows
}

// integerKinds says how events tell the types.
var integerKinds = map[string]string{
	"int8": "int", "int16": "int", "int32": "int", "uint8": "uint", "uint16": "uint", "uint32": "uint",
	"int64": "long", "long": "long", "uint64": "size", "ulong": "size", "size_t": "size",
}

// quotedValues makes strings of a list of values, as YAML wants them.
func quotedValues(values string) string {
	var all []string
	for v := range strings.SplitSeq(values, ",") {
		all = append(all, fmt.Sprintf("%q", strings.Trim(v, " '")))
	}
	return strings.Join(all, ", ")
}
