// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of vedette: the client of an agent's gRPC interface, the commands
// that need no agent (lint, generate), and the flags, environment and files that configure an agent.
// What an agent does is not here; [Program] is given it.
//
// Errors are one line on standard error that begins with "vedette: ". The exit status is 0 for
// success, 1 for failure, 2 for a command line that cannot be understood and 130 for an interrupted
// command; run ends with the status of the command that it ran.
package cli
