// SPDX-License-Identifier: Apache-2.0

// Package examples holds policies to begin with, in policies, each of which
// its test loads into the running kernel to show what it does.
package examples
