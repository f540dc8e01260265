// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
)

// newVersionCommand returns the command that prints versions.
func newVersionCommand(c *client) *cobra.Command {
	var server, clientOnly, withBuild bool
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version of this program and of the agent",
		Long:              "Print the version of this program, with --server that of the running agent too.",
		Example:           "  vedette version\n  vedette version --server\n  vedette version --build",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if server && clientOnly {
				return usageErrorf(cmd, "--server and --client exclude each other")
			}
			out := cmd.OutOrStdout()
			if _, err := fmt.Fprintf(out, "CLI version: %s\n", Version()); err != nil {
				return err
			}
			if withBuild {
				if err := printBuild(out, readBuild()); err != nil {
					return err
				}
			}
			if !server {
				return nil
			}
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				answer, err := conn.GetVersion(ctx, &tetragon.GetVersionRequest{})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(out, "Server version: %s\n", answer.GetVersion())
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&server, "server", "s", false, "ask the agent for its version")
	cmd.Flags().BoolVar(&clientOnly, "client", false, "print the version of this program only")
	cmd.Flags().BoolVarP(&withBuild, "build", "b", false, "tell what this program was built from")
	c.addFlags(cmd.Flags())
	return cmd
}

// printBuild prints what is known of the program's making.
func printBuild(w io.Writer, b build) error {
	for _, line := range []struct{ name, value string }{
		{"GoVersion", b.goVersion},
		{"Commit", b.commit},
		{"Date", b.time},
	} {
		if line.value == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %s: %s\n", line.name, line.value); err != nil {
			return err
		}
	}
	if b.modified {
		_, err := fmt.Fprintln(w, "  Modified: true")
		return err
	}
	return nil
}
