// SPDX-License-Identifier: Apache-2.0

// Package executabletest makes a small x86-64 program for tests of probes: a
// static ELF file without any library, so that it runs on every kernel,
// whatever else is installed there. What it does is in [Program].
package executabletest
