// SPDX-License-Identifier: Apache-2.0

// Package api holds the .proto files of the interface between agent and clients. The Go code
// generated from them is in package tetragon below it. The interface is that of existing clients of
// this ecosystem: package and service names, field names and numbers are fixed by them and checked
// against testdata/wire.txt. Fields of Vedette's own are numbered 50000 and up.
package api

//go:generate ./generate.sh
