// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/policy"
)

// stdinName stands for standard input in place of a file's name.
const stdinName = "-"

const policyAddHelp = `Load policies into the running agent. FILE is - for standard input. A policy stays until it is deleted or the
agent ends; policies in the agent's --tracing-policy-dir are loaded at every start.`

func newPolicyAdd(p Program, c *client) *cobra.Command {
	var mode, domain string
	cmd := &cobra.Command{
		Use:               "add FILE...",
		Short:             "Load policies into the running agent",
		Long:              policyAddHelp,
		Example:           "  vedette tracingpolicy add policy.yaml\n  vedette tp add --mode monitor policy.yaml\n  cat policy.yaml | vedette tp add -",
		Args:              arguments("a policy file, or - for standard input", 1, -1),
		ValidArgsFunction: completePolicyFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, file := range args {
				if err := addPolicy(cmd, p, c, file, mode, domain); err != nil {
					return err
				}
			}
			return nil
		},
	}
	addModeFlag(cmd, &mode, "`mode` to load in: enforce or monitor (default: what the policy says, else enforce)")
	cmd.Flags().StringVar(&domain, "domain", "", "domain to load into, a name of your own (default: grpc)")
	c.addFlags(cmd.Flags())
	return cmd
}

// addModeFlag defines --mode.
func addModeFlag(cmd *cobra.Command, mode *string, usage string) {
	cmd.Flags().VarP(newChoice(mode, modeEnforce, modeMonitor), "mode", "m", usage)
	completeChoices(cmd, "mode")
}

// addPolicy loads the policy of one file. What the agent says of an invalid one is shown in the text,
// if it is found wrong here too.
func addPolicy(cmd *cobra.Command, p Program, c *client, file, mode, domain string) error {
	src, err := readPolicySource(p, file)
	if err != nil {
		return err
	}
	text := src.Text
	if mode != "" {
		if text, err = withPolicyMode(text, mode); err != nil {
			return fmt.Errorf("%s: %w", src.Name, err)
		}
	}
	err = c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
		_, err := conn.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: text, Domain: domain})
		return err
	})
	if errors.As(err, new(*answerError)) {
		if _, diagnostics := policy.ParseSource(src); policy.HasErrors(diagnostics) {
			return policy.AsError(src, diagnostics)
		}
	}
	if err != nil {
		return fmt.Errorf("add %s: %w", src.Name, err)
	}
	_, err = printf(cmd, "tracing policy %q added\n", file)
	return err
}

// readPolicySource reads a policy file, or standard input for "-".
func readPolicySource(p Program, file string) (*policy.Source, error) {
	if file != stdinName {
		return policy.ReadSource(file)
	}
	data, err := io.ReadAll(io.LimitReader(p.Stdin, policy.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read policy from standard input: %w", err)
	}
	if len(data) > policy.MaxSize {
		return nil, fmt.Errorf("read policy from standard input: %w: the limit is %d bytes", policy.ErrTooLarge, policy.MaxSize)
	}
	return policy.NewSource("<stdin>", data), nil
}

// printf prints to the command's output.
func printf(cmd *cobra.Command, format string, args ...any) (int, error) {
	return fmt.Fprintf(cmd.OutOrStdout(), format, args...)
}
