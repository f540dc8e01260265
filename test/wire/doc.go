// SPDX-License-Identifier: Apache-2.0

// Package wire checks the server from the outside: with a client that is made, while the test runs, from
// testdata/schema.txt, the names and numbers of the public interface. It shares no generated code with the server.
package wire
