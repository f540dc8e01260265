// SPDX-License-Identifier: Apache-2.0

// Package instance makes sure that only one agent runs, and tells clients where it is found: a pid file
// that is locked as long as the agent lives, and beside it a file that says what address it serves.
package instance
