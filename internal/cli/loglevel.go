// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
)

// logLevelPrefix begins the names of log levels in the interface.
const logLevelPrefix = "LOG_LEVEL_"

// newLogLevelCommand returns the commands that show and change how much the agent logs.
func newLogLevelCommand(c *client) *cobra.Command {
	cmd := newGroup(&cobra.Command{
		Use:     "loglevel",
		Aliases: []string{"log"},
		Short:   "Show or change how much the agent logs",
		Long:    "Show or change the severity from which on the running agent logs. A change lasts until it ends.",
		Example: "  vedette loglevel get\n  vedette loglevel set debug",
	})
	cmd.AddCommand(newLogLevelGet(c), newLogLevelSet(c))
	return cmd
}

func newLogLevelGet(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "get",
		Short:             "Show the agent's log level",
		Example:           "  vedette loglevel get",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				answer, err := conn.GetDebug(ctx, &tetragon.GetDebugRequest{Flag: tetragon.ConfigFlag_CONFIG_FLAG_LOG_LEVEL})
				if err != nil {
					return err
				}
				return printLogLevel(cmd.OutOrStdout(), answer.GetLevel())
			})
		},
	}
	c.addFlags(cmd.Flags())
	return cmd
}

func newLogLevelSet(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "set LEVEL",
		Short:             "Change the agent's log level",
		Example:           "  vedette loglevel set debug",
		Args:              arguments("a level", 1, 1),
		ValidArgsFunction: completeFirst(logLevelNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, ok := tetragon.LogLevel_value[logLevelPrefix+strings.ToUpper(args[0])]
			if !ok {
				return usageErrorf(cmd, "%q is no log level; there are %s", args[0], strings.Join(logLevelNames(), ", "))
			}
			request := &tetragon.SetDebugRequest{
				Flag: tetragon.ConfigFlag_CONFIG_FLAG_LOG_LEVEL,
				Arg:  &tetragon.SetDebugRequest_Level{Level: tetragon.LogLevel(number)},
			}
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				answer, err := conn.SetDebug(ctx, request)
				if err != nil {
					return err
				}
				return printLogLevel(cmd.OutOrStdout(), answer.GetLevel())
			})
		},
	}
	c.addFlags(cmd.Flags())
	return cmd
}

// logLevelNames returns the names of the log levels, the most severe first.
func logLevelNames() []string {
	var names []string
	for number := range int32(len(tetragon.LogLevel_name)) {
		names = append(names, enumWord(tetragon.LogLevel_name[number], logLevelPrefix))
	}
	return names
}

func printLogLevel(w io.Writer, level tetragon.LogLevel) error {
	_, err := fmt.Fprintf(w, "Log level: %s\n", enumWord(level.String(), logLevelPrefix))
	return err
}

// enumWord returns the name of a value of an enumeration without its prefix, in lower case.
func enumWord(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }

// completeFirst completes the first argument with one of the words.
func completeFirst(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}
