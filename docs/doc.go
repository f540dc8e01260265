// SPDX-License-Identifier: Apache-2.0

// Package docs is the documentation, and tests that it is true: its commands parse, its policies
// compile, its links lead somewhere, its flags and numbers are those of the program.
package docs
