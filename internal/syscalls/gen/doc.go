// SPDX-License-Identifier: Apache-2.0

// Gen writes the tables of package syscalls from the zsysnum files of golang.org/x/sys/unix, in the
// version that go.mod pins.
package main
