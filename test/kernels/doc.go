// SPDX-License-Identifier: Apache-2.0

// Command kernels runs the tests that need a kernel on other kernels, in guests, and prints what "go test"
// prints, with the kernel's name.
//
// Every package is compiled once. Each kernel boots once for each package, two guests at a time. A package
// passes when its tests pass; the tests that it skipped are printed, with the feature that the kernel lacks.
package main
