// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"strings"

	"github.com/vedette-io/vedette/internal/executable"
)

// verified is what was found of a program when a policy came into force. The
// policy stays with it: its probes are in that file, whatever is at the path
// by now.
type verified struct {
	stamp executable.Stamp
	err   error
}

// verifier returns what verifies the programs of an entry: each once while it
// is in force.
func (s *policySet) verifier(e *policyEntry) func(string, []string) (executable.Stamp, error) {
	return func(path string, digests []string) (executable.Stamp, error) {
		key := path + "\x00" + strings.Join(digests, "\x00")
		v, ok := e.verified[key]
		if !ok {
			v.stamp, v.err = s.digests.Verify(path, digests)
			if e.verified == nil {
				e.verified = map[string]verified{}
			}
			e.verified[key] = v
		}
		return v.stamp, v.err
	}
}
