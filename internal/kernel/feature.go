// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
)

// ErrMissing is matched by every [MissingError].
var ErrMissing = errors.New("not offered by this kernel")

// MissingError says that the kernel lacks a feature.
type MissingError struct {
	// Feature is its name, as people of the field know it.
	Feature string
	// Since is the first version of Linux that has it, or empty.
	Since string
	// Option is the build option of the kernel that it needs, or empty.
	Option string
	// Cause is what the kernel answered, or nil.
	Cause error
}

// Error names the feature, the version and the option.
func (e *MissingError) Error() string {
	s := "this kernel lacks " + e.Feature
	switch {
	case e.Since != "" && e.Option != "":
		s += fmt.Sprintf(" (needs Linux %s with %s)", e.Since, e.Option)
	case e.Since != "":
		s += fmt.Sprintf(" (needs Linux %s)", e.Since)
	case e.Option != "":
		s += fmt.Sprintf(" (needs %s)", e.Option)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Is reports whether target is [ErrMissing].
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// Unwrap returns the kernel's answer.
func (e *MissingError) Unwrap() error { return e.Cause }
