// SPDX-License-Identifier: Apache-2.0

package event

import "github.com/vedette-io/vedette/api/tetragon"

// ProcessToProto returns the message of a process. It shares nothing that may change with the process.
func ProcessToProto(p *Process) *tetragon.Process { return protoProcess(p, 0) }
