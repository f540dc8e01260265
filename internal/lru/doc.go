// SPDX-License-Identifier: Apache-2.0

// Package lru has caches that keep what was used last.
package lru
