// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// costLine is a line of BenchmarkCosts of internal/hook.
var costLine = regexp.MustCompile(`(?m)^BenchmarkCosts/(\S+?)(?:-\d+)?\s+\d+\s+(-?[0-9.]+) instructions$`)

// costs measures what reading arguments costs and what selectors do, by the
// benchmark of the test binary of internal/hook.
func (b *bench) costs() error {
	out, err := exec.Command(b.hookTest, "-test.run", "^$", "-test.bench", "^BenchmarkCosts$", "-test.benchtime", "1x").CombinedOutput()
	if err != nil {
		return fmt.Errorf("costs: %w: %s", err, out)
	}
	figures, err := parseCosts(string(out))
	if err != nil {
		return err
	}
	for name, value := range figures {
		b.put(name, value)
	}
	return nil
}

// parseCosts reads the benchmark's output.
func parseCosts(text string) (map[string]float64, error) {
	figures := map[string]float64{}
	for _, m := range costLine.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return nil, fmt.Errorf("costs: %q: %w", m[0], err)
		}
		figures["costs/"+m[1]] = value
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("costs: no figures in %q", text)
	}
	return figures, nil
}
