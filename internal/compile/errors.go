// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// PolicyError says why one policy cannot be compiled. [Compile] joins one for
// each policy that fails; see [PolicyErrors].
type PolicyError struct {
	// Policy is an index into Input.Policies.
	Policy int
	// Diagnostics are what was found, all of them errors, with positions in
	// the policy's text.
	Diagnostics []policy.Diagnostic

	source *policy.Source
}

// Error returns one line for each diagnostic.
func (e *PolicyError) Error() string {
	if err := policy.AsError(e.source, e.Diagnostics); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("policy %d: not compiled", e.Policy)
}

// PolicyErrors returns the errors of all policies that made a [Compile] fail,
// in the order of the policies.
func PolicyErrors(err error) []*PolicyError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*PolicyError
		for _, e := range joined.Unwrap() {
			all = append(all, PolicyErrors(e)...)
		}
		return all
	}
	var one *PolicyError
	if errors.As(err, &one) {
		return []*PolicyError{one}
	}
	return nil
}

// quotedLength is how many bytes of a user's text a message repeats.
const quotedLength = 64

// quote returns a user's text for use in a message, cut where it is long.
func quote[T ~string](text T) string {
	if len(text) <= quotedLength {
		return fmt.Sprintf("%q", string(text))
	}
	return fmt.Sprintf("%q...", strings.ToValidUTF8(string(text[:quotedLength]), ""))
}
