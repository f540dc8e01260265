// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"testing"
)

func TestParseCosts(t *testing.T) {
	got, err := parseCosts("goos: linux\nBenchmarkCosts/argument/int-2    \t       1\t        97.00 instructions\n" +
		"--- SKIP: BenchmarkCosts/argument/skb\nBenchmarkCosts/selector/DAddr,_sock,_1,000_values \t 1\t 1367 instructions\nPASS\n")
	want := map[string]float64{"costs/argument/int": 97, "costs/selector/DAddr,_sock,_1,000_values": 1367}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := parseCosts("PASS\n"); err == nil {
		t.Error("no figures are none to compare")
	}
}
