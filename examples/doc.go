// SPDX-License-Identifier: Apache-2.0

// Package examples holds policies to begin with, in policies, which the tests
// load into the running kernel to show what each tells of and what it leaves
// alone. README.md lists them.
package examples
