// SPDX-License-Identifier: Apache-2.0

// Package nearest finds the names that a misspelt word most likely stands
// for.
package nearest
