// SPDX-License-Identifier: Apache-2.0

// Package tetragon is the Go code generated from the .proto files of the event and control
// interface. It keeps the protocol's package name, which existing clients rely on.
package tetragon
