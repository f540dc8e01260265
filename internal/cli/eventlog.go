// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
)

// newEventLogCommand returns the commands that show and change how the agent's export file is rotated.
func newEventLogCommand(c *client) *cobra.Command {
	cmd := newGroup(&cobra.Command{
		Use:     "eventlog",
		Short:   "Show or change how the agent's export file is rotated",
		Long:    "Show or change how the running agent's export file is rotated. A change lasts until the agent ends.",
		Example: "  vedette eventlog get\n  vedette eventlog set --max-size 100 --max-backups 10",
	})
	cmd.AddCommand(newEventLogGet(c), newEventLogSet(c))
	return cmd
}

func newEventLogGet(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use: "get", Short: "Show how the export file is rotated", Example: "  vedette eventlog get",
		Args: noArguments, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				p, err := tetragon.NewEventLogServiceClient(conn.ClientConn).GetEventLogParams(ctx, &tetragon.GetEventLogParamsRequest{})
				if err != nil {
					return err
				}
				_, err = printf(cmd, "Max size: %d MB\nRotation interval: %s\nMax backups: %d\n", p.GetMaxSize(), p.GetRotationInterval(), p.GetMaxBackups())
				return err
			})
		},
	}
	c.addFlags(cmd.Flags())
	return cmd
}

func newEventLogSet(c *client) *cobra.Command {
	var size, backups int32
	var interval string
	cmd := &cobra.Command{
		Use: "set", Short: "Change how the export file is rotated",
		Example: "  vedette eventlog set --max-size 100\n  vedette eventlog set --rotation-interval 24h --max-backups 7",
		Args:    noArguments, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := &tetragon.SetEventLogParamsRequest{}
			if cmd.Flags().Changed("max-size") {
				request.MaxSize = &size
			}
			if cmd.Flags().Changed("max-backups") {
				request.MaxBackups = &backups
			}
			if cmd.Flags().Changed("rotation-interval") {
				request.RotationInterval = &interval
			}
			if request.MaxSize == nil && request.MaxBackups == nil && request.RotationInterval == nil {
				return usageErrorf(cmd, "nothing to change: give --max-size, --max-backups or --rotation-interval")
			}
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				_, err := tetragon.NewEventLogServiceClient(conn.ClientConn).SetEventLogParams(ctx, request)
				return err
			})
		},
	}
	cmd.Flags().Int32Var(&size, "max-size", 0, "size in `MB` (1048576 bytes) at which the file is rotated")
	cmd.Flags().Int32Var(&backups, "max-backups", 0, "how many rotated files are kept, 0 for all")
	cmd.Flags().StringVar(&interval, "rotation-interval", "", "`time` after which the file is rotated, e.g. 24h; 0s for by size only")
	c.addFlags(cmd.Flags())
	return cmd
}
