// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	b := budget{
		Kernel: "6.12", Tolerance: 0.03,
		Figures: map[string]float64{"a": 1000}, Limits: map[string]float64{"b": 1.05},
	}
	for _, c := range []struct {
		name    string
		kernel  string
		figures map[string]float64
		want    []string
	}{
		{"on budget", "6.12.1", map[string]float64{"a": 1000, "b": 1.05, "c": 9}, nil},
		{"within the tolerance", "6.12.1", map[string]float64{"a": 1030, "b": 1}, nil},
		{"over the budget", "6.12.1", map[string]float64{"a": 1031, "b": 1}, []string{"a is 1,031, 3.1 % over its budget of 1,000"}},
		{"over the limit", "6.12.1", map[string]float64{"a": 1, "b": 1.06}, []string{"b is 1.060, 1.0 % over its limit of 1.050"}},
		{"missing", "6.12.1", map[string]float64{}, []string{"a was not measured", "b was not measured"}},
		{"another kernel", "6.1.2", map[string]float64{"a": 1, "b": 1}, []string{"the budget is for kernel 6.12"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := b.check(&result{Kernel: c.kernel, Figures: c.figures})
			if (err != nil) != (c.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q without %q", err, want)
				}
			}
		})
	}
}

func TestUpdateKeepsWhatIsBudgeted(t *testing.T) {
	b := budget{Figures: map[string]float64{"a": 1, "gone": 7}}
	b.update(&result{Figures: map[string]float64{"a": 2, "b": 3}})
	if len(b.Figures) != 2 || b.Figures["a"] != 2 || b.Figures["gone"] != 7 {
		t.Errorf("budgets %v", b.Figures)
	}
}

func TestMergeRefusesTwoKernels(t *testing.T) {
	var r result
	if err := r.merge(result{Kernel: "6.12.1", Figures: map[string]float64{"a": 1}}); err != nil {
		t.Fatal(err)
	}
	if err := r.merge(result{Kernel: "6.12.1", Figures: map[string]float64{"b": 2}}); err != nil || len(r.Figures) != 2 {
		t.Fatalf("%v, %d figures", err, len(r.Figures))
	}
	if err := r.merge(result{Kernel: "7.3.0"}); err == nil {
		t.Error("figures of two kernels together")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{1.0271: "1.027", 999: "999", 1000: "1,000", 7501472: "7,501,472"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}
