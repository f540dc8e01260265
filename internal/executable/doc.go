// SPDX-License-Identifier: Apache-2.0

// Package executable finds places in programs and shared libraries: what a
// symbol, an address or a static probe (USDT) means as an offset in the ELF
// file, which is how the kernel knows the places of uprobes, and where the
// arguments of a static probe are. It only reads files.
//
// Only 64-bit files of the machine's own architecture are understood.
package executable
