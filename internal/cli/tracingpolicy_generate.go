// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newPolicyGenerate returns the commands that write policies to begin with.
func newPolicyGenerate() *cobra.Command {
	cmd := newGroup(&cobra.Command{
		Use:     "generate",
		Short:   "Write a policy to begin with to standard output",
		Example: "  vedette tracingpolicy generate empty > policy.yaml\n  vedette tp generate all-syscalls -m /usr/bin/cat | vedette tp add -",
	})
	cmd.AddCommand(
		newGenerator("empty", "Write a policy without hooks", func([]string) string { return emptyPolicy }),
		newGenerator("all-syscalls", "Write a policy that tells of every system call", allSyscallsPolicy),
	)
	return cmd
}

// newGenerator returns a command that prints the policy of a function of the binaries to match.
func newGenerator(name, short string, generate func(binaries []string) string) *cobra.Command {
	var binaries []string
	cmd := &cobra.Command{
		Use:               name,
		Short:             short,
		Example:           "  vedette tracingpolicy generate " + name + " > policy.yaml",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := printf(cmd, "%s", generate(binaries))
			return err
		},
	}
	if name != "empty" {
		cmd.Example += "\n  vedette tracingpolicy generate " + name + " -m /usr/bin/cat"
		cmd.Flags().StringSliceVarP(&binaries, "match-binary", "m", nil, "only processes of these `binaries`, e.g. /usr/bin/cat")
	}
	return cmd
}

const emptyPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: empty
spec: {}
`

// allSyscallsPolicy returns a policy on the tracepoint that all system calls pass. Field 4 of it is
// the number of the call: the four common fields of every tracepoint come first.
func allSyscallsPolicy(binaries []string) string {
	var b strings.Builder
	b.WriteString(`apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: all-syscalls
spec:
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    args:
    - index: 4
      type: syscall64
`)
	if len(binaries) == 0 {
		return b.String()
	}
	b.WriteString("    selectors:\n    - matchBinaries:\n      - operator: In\n        values:\n")
	for _, binary := range binaries {
		fmt.Fprintf(&b, "        - %q\n", binary)
	}
	return b.String()
}
