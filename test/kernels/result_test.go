// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/vmtest"
)

const passed = `=== RUN   TestA
    a_test.go:1: a word
--- PASS: TestA (0.10s)
=== RUN   TestB
=== RUN   TestB/one
    b_test.go:2: no feature x
=== NAME  TestB
    b_test.go:9: more of B
--- PASS: TestB (0.00s)
    --- SKIP: TestB/one (0.00s)
=== RUN   TestC
    c_test.go:3: no feature y
--- SKIP: TestC (0.00s)
PASS
`

func TestPrint(t *testing.T) {
	for _, test := range []struct {
		name    string
		result  result
		verbose bool
		want    string
	}{
		{"passed", result{pkg: "m/p", output: passed, took: 1500 * time.Millisecond}, false,
			"    --- SKIP: TestB/one (0.00s)\n    b_test.go:2: no feature x\n--- SKIP: TestC (0.00s)\n    c_test.go:3: no feature y\nok  \tm/p [kernel 6.1]\t1.500s\n"},
		{"verbose", result{pkg: "m/p", output: passed}, true, passed + "ok  \tm/p [kernel 6.1]\t0.000s\n"},
		{"failed", result{pkg: "m/p", output: "--- FAIL: TestA\nFAIL\n", code: 1}, false, "--- FAIL: TestA\nFAIL\nFAIL\tm/p [kernel 6.1]\t0.000s\n"},
		{"died", result{pkg: "m/p", output: "=== RUN   TestA\n", err: &vmtest.DeadError{Reason: "its kernel panicked", Log: "Oops\n"}}, false,
			"=== RUN   TestA\nthe guest died: its kernel panicked\n--- end of the kernel's log\nOops\n---\nFAIL\tm/p [kernel 6.1]\t0.000s\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			test.result.print(&out, "6.1", test.verbose)
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if failed := strings.Contains(test.want, "FAIL\tm/p"); test.result.failed() != failed {
				t.Errorf("failed: %v", test.result.failed())
			}
		})
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-k", "5.10  newest", "-guests", "1", "-run", "Seed", "./a", "./b"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"5.10", "newest"}, o.kernels); diff != "" || len(o.packages) != 2 || o.guests != 1 || o.run != "Seed" {
		t.Errorf("%+v", o)
	}
	for _, args := range [][]string{{}, {"-k", "", "./a"}, {"-guests", "0", "./a"}, {"-x"}} {
		if _, err := parse(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
