// SPDX-License-Identifier: Apache-2.0

// Package kernel finds out what the running kernel offers, and why not where
// it does not. It changes nothing: what it tries, it takes back.
package kernel
