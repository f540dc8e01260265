// SPDX-License-Identifier: Apache-2.0

// Package aggregate joins events that repeat: within a window those that differ in nothing but the time become
// one, which tells how many it stands for. It is pure: who uses it keeps the time.
package aggregate
