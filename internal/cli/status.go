// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

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
				if err := printHealth(cmd, health); err != nil {
					return err
				}
				return printExports(ctx, cmd, conn)
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

// printExports prints what the exports have done. An agent that does not tell has none.
func printExports(ctx context.Context, cmd *cobra.Command, conn *connection) error {
	info, err := conn.GetInfo(ctx, &tetragon.GetInfoRequest{})
	if status.Code(err) == codes.Unimplemented {
		return nil
	}
	if err != nil {
		return err
	}
	for _, value := range info.GetConf() {
		name, ok := strings.CutPrefix(value.GetKey(), "export/")
		text := &wrapperspb.StringValue{}
		if !ok || value.GetValue().UnmarshalTo(text) != nil {
			continue
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "Export %s: %s\n", name, text.GetValue()); err != nil {
			return err
		}
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
