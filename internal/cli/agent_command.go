// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/internal/agent"
)

const agentHelp = `Run the agent: watch this machine, apply policies, serve clients and export events, until SIGTERM or SIGINT.
It must run as root, and only once for a run directory.

Every flag can also be set by an environment variable (--rb-size by VEDETTE_RB_SIZE, or TETRAGON_RB_SIZE) and in
files. A flag on the command line comes before the environment, the environment before files, and a later file
before an earlier one:

  /usr/lib/vedette/vedette.conf.d/         a directory with one file for each option: its name is that
  /usr/local/lib/vedette/vedette.conf.d/   of the flag, its content the value
  /etc/vedette/vedette.yaml                a YAML file of flags and values
  /etc/vedette/vedette.conf.d/
  --config-dir

Policies of --tracing-policy-dir are loaded at the start. One that cannot be loaded is reported; the others are
loaded.`

const agentExample = `  # Watch processes, and serve clients on the default socket
  sudo vedette agent

  # Apply a policy, and write events to a file
  sudo vedette agent --tracing-policy policy.yaml --export-filename /var/log/vedette/events.log

  # Listen on TCP as well, for clients that expect it there
  sudo vedette agent --server-address localhost:54321`

// newAgentCommand returns the command that runs the agent.
func newAgentCommand(p Program) *cobra.Command {
	flags := newAgentFlags()
	cmd := &cobra.Command{
		Use:               "agent",
		Short:             "Run the agent",
		Long:              agentHelp,
		Example:           agentExample,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags.define(cmd.Flags())
	completeChoices(cmd, "log-format", "log-level")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := newSettings().apply(cmd.Flags()); err != nil {
			return &exitError{exitUsage, err}
		}
		cfg, err := flags.config(cmd.Flags())
		if err != nil {
			return &exitError{exitUsage, err}
		}
		log, closeLog, err := flags.logger(cfg.LogLevel, p.Stderr)
		if err != nil {
			return err
		}
		err = runAgent(cmd, p, cfg, log)
		return errors.Join(err, closeLog())
	}
	return cmd
}

// runAgent runs the agent. To be ended by a signal is its normal end.
func runAgent(cmd *cobra.Command, p Program, cfg agent.Config, log *slog.Logger) error {
	if cfg.ServerTLS.Cert == "" && openToNetwork(cfg.ServerAddress) {
		log.Warn("everyone who reaches this address can read events and change policies", "server-address", cfg.ServerAddress)
	}
	err := p.RunAgent(cmd.Context(), cfg, log)
	if cmd.Context().Err() != nil && errors.Is(err, cmd.Context().Err()) {
		return nil
	}
	return err
}

// logger returns the agent's logger, and how to close its file.
func (f *agentFlags) logger(level slog.Leveler, stderr io.Writer) (*slog.Logger, func() error, error) {
	out, closeFile := stderr, func() error { return nil }
	if f.logFile != "" {
		file, err := os.OpenFile(f.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, fmt.Errorf("log file: %w", err)
		}
		out, closeFile = file, file.Close
	}
	options := &slog.HandlerOptions{Level: level}
	if f.logFormat == logFormatJSON {
		return slog.New(slog.NewJSONHandler(out, options)), closeFile, nil
	}
	return slog.New(slog.NewTextHandler(out, options)), closeFile, nil
}
