// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
)

// Command is a command that RunCommand runs and watches.
type Command struct {
	// Path is the executable, found and checked already.
	Path string
	// Argv are its arguments, the first one being its name.
	Argv []string
	// Policies are files that hold the tracing policies to apply.
	Policies []string
	// All asks for the events of the whole host, not only those of the command and its descendants.
	All bool
	// Stdin, Stdout and Stderr are given to the command as they are.
	Stdin, Stdout, Stderr *os.File
}

// CommandResult says how a command ended.
type CommandResult struct {
	// ExitCode is the exit status, or 128 and the number of the signal that ended the command.
	ExitCode int
	// KilledBy says which policy ended the command, nil when none did.
	KilledBy *Kill
}

// Kill is the end of a process by a policy.
type Kill struct {
	// Policy is the name of the policy.
	Policy string
	// Hook is what the policy was hooked to, as events name it: __x64_sys_read.
	Hook string
	// Argument is the argument that the rule matched, as in "argument 0 = /etc/secret". It is empty
	// when the rule looks at no argument.
	Argument string
}

// StartError says that a command could not be executed. Its Err tells why.
type StartError struct {
	Path string
	Err  error
}

// Error names the command and what went wrong.
func (e *StartError) Error() string { return fmt.Sprintf("start %s: %v", e.Path, e.Err) }

// Unwrap returns why the command could not be executed.
func (e *StartError) Unwrap() error { return e.Err }
