// SPDX-License-Identifier: Apache-2.0

package main

// result is what one guest has measured.
type result struct {
	Kernel string `json:"kernel"`
	// Figures are instructions, bytes or ratios by name.
	Figures map[string]float64 `json:"figures"`
}
