// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// result is what one guest has measured.
type result struct {
	Kernel string `json:"kernel"`
	// Figures are instructions, bytes or ratios by name.
	Figures map[string]float64 `json:"figures"`
}

// merge adds the figures of another guest with the same kernel.
func (r *result) merge(other result) error {
	if r.Kernel != "" && r.Kernel != other.Kernel {
		return fmt.Errorf("figures of two kernels: %s and %s", r.Kernel, other.Kernel)
	}
	r.Kernel = other.Kernel
	if r.Figures == nil {
		r.Figures = map[string]float64{}
	}
	maps.Copy(r.Figures, other.Figures)
	return nil
}

// budget is what figures may be.
type budget struct {
	// Kernel is the series that the budget was measured with, such as 6.12.
	Kernel string `json:"kernel"`
	// Tolerance is by which part of itself a figure may be above its budget.
	Tolerance float64 `json:"tolerance"`
	// Figures are the budgets by name. Figures without one are only told.
	Figures map[string]float64 `json:"figures"`
	// Limits are what the project has promised, whatever was measured.
	Limits map[string]float64 `json:"limits"`
}

// check returns an error that names every figure that is over its budget or
// its limit, and every one that is missing.
func (b *budget) check(r *result) error {
	if !strings.HasPrefix(r.Kernel, b.Kernel+".") {
		return fmt.Errorf("the budget is for kernel %s, the figures are of %s", b.Kernel, r.Kernel)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(b.Figures)) {
		errs = append(errs, within(r, name, "budget", b.Figures[name], b.Tolerance))
	}
	for _, name := range slices.Sorted(maps.Keys(b.Limits)) {
		errs = append(errs, within(r, name, "limit", b.Limits[name], 0))
	}
	return errors.Join(errs...)
}

func within(r *result, name, what string, most, tolerance float64) error {
	value, ok := r.Figures[name]
	switch {
	case !ok:
		return fmt.Errorf("%s was not measured", name)
	case value > most*(1+tolerance):
		return fmt.Errorf("%s is %s, %.1f %% over its %s of %s", name, number(value), 100*(value/most-1), what, number(most))
	}
	return nil
}

// update makes what was measured the budget of every figure that has one.
func (b *budget) update(r *result) {
	for name := range b.Figures {
		if value, ok := r.Figures[name]; ok {
			b.Figures[name] = value
		}
	}
}

// number writes a figure as people read it: ratios with decimals, all else
// in whole numbers with commas.
func number(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.3f", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// table writes the figures as a Markdown table.
func table(w io.Writer, r *result, b *budget) {
	fmt.Fprintf(w, "Linux %s\n\n| figure | measured | budget | limit |\n|---|---|---|---|\n", r.Kernel)
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", name, number(r.Figures[name]), cell(b.Figures, name), cell(b.Limits, name))
	}
}

func cell(of map[string]float64, name string) string {
	if v, ok := of[name]; ok {
		return number(v)
	}
	return ""
}

func readJSON(path string, to any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, from any) error {
	data, err := json.MarshalIndent(from, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
