// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
)

// newStatusCommand returns the command that asks the agent how it is.
func newStatusCommand(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "status",
		Short:             "Tell whether the agent is running",
		Long:              "Ask the agent for its health. The exit status is 1 when it is not running or not well.",
		Example:           "  vedette status\n  vedette status --server-address localhost:54321 --timeout 2s",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				health, err := conn.GetHealth(ctx, &tetragon.GetHealthStatusRequest{})
				if err != nil {
					return err
				}
				return printHealth(cmd, health)
			})
		},
	}
	c.addFlags(cmd.Flags())
	return cmd
}

// printHealth prints the agent's health. Anything but running is a failure.
func printHealth(cmd *cobra.Command, health *tetragon.GetHealthStatusResponse) error {
	running := len(health.GetHealthStatus()) > 0
	for _, s := range health.GetHealthStatus() {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "Health Status: %s\n", s.GetDetails()); err != nil {
			return err
		}
		running = running && s.GetStatus() == tetragon.HealthStatusResult_HEALTH_STATUS_RUNNING
	}
	if !running {
		return &exitError{status: exitFailure, err: fmt.Errorf("the agent is not running well")}
	}
	return nil
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf(cmd, "%s takes no argument, got %q", cmd.Name(), args[0])
	}
	return nil
}

// arguments accepts at least least and at most most arguments of the name; most is -1 for any number.
func arguments(name string, least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usageErrorf(cmd, "%s needs %s", cmd.Name(), name)
		case most >= 0 && len(args) > most:
			return usageErrorf(cmd, "%s has one argument too many: %q", cmd.Name(), args[most])
		}
		return nil
	}
}
