// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette-io/vedette/internal/nearest"
)

// plannedCommands are commands that users of the reference client know and that are not there yet, by
// their path below the program's name.
var plannedCommands = []string{
	"bugtool", "cgtracker", "cri", "debug", "eventlog", "info", "policyfilter", "policytest",
	"rthooks", "sensors", "tracingpolicy generate ftrace-list", "tracingpolicy generate uprobes",
	"tracingpolicy generate usdts",
}

// unknownCommand returns the error of a word that is no sub-command of cmd.
func unknownCommand(cmd *cobra.Command, word string) error {
	path := strings.TrimPrefix(cmd.CommandPath()+" "+word, cmd.Root().Name()+" ")
	if slices.Contains(plannedCommands, path) {
		return usageErrorf(cmd, "command %q is not yet supported by vedette", path)
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(append(names, sub.Name()), sub.Aliases...)
		}
	}
	return usageErrorf(cmd, "unknown command %q for %q%s", word, cmd.CommandPath(), didYouMean(word, "", names))
}

// flagError returns the error of flags that cannot be parsed. In a group of commands a wrong command
// comes before its flags, and is what has to be told.
func flagError(cmd *cobra.Command, err error) error {
	if cmd.HasAvailableSubCommands() && cmd.Flags().NArg() > 0 {
		return unknownCommand(cmd, cmd.Flags().Arg(0))
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageErrorf(cmd, "%w", err)
	}
	name := unknown.GetSpecifiedName()
	if len(name) <= 1 {
		return usageErrorf(cmd, "unknown flag -%s", name)
	}
	return usageErrorf(cmd, "unknown flag --%s%s", name, didYouMean(name, "--", flagNames(cmd.Flags())))
}

// flagNames returns the names of the flags that are not hidden.
func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// didYouMean returns the end of a message about a misspelt word: the candidate next to it, or "".
func didYouMean(word, prefix string, candidates []string) string {
	if best := closest(word, candidates); best != "" {
		return "; did you mean " + prefix + best + "?"
	}
	return ""
}

// suggestLength bounds the words that suggestions are looked for.
const suggestLength = 64

// closest returns the candidate that the word most likely stands for, or "" where none is near.
func closest(word string, candidates []string) string {
	if len(word) > suggestLength {
		return ""
	}
	word = strings.ToLower(word)
	best, bestDistance := "", min(4, 1+(len(word)+2)/3)
	for _, candidate := range candidates {
		d := nearest.Distance(word, strings.ToLower(candidate), bestDistance)
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best != "" {
		return best
	}
	for _, candidate := range candidates {
		begins := len(word) > 1 && strings.HasPrefix(strings.ToLower(candidate), word)
		if begins && (best == "" || len(candidate) < len(best)) {
			best = candidate
		}
	}
	return best
}
