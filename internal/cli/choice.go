// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag that has one of a few values.
type choice struct {
	value   *string
	choices []string
}

func newChoice(value *string, choices ...string) *choice { return &choice{value, choices} }

// Set sets the flag to one of its values.
func (c *choice) Set(value string) error {
	if !slices.Contains(c.choices, value) {
		return fmt.Errorf("must be %s%s", strings.Join(c.choices, " or "), didYouMean(value, "", c.choices))
	}
	*c.value = value
	return nil
}

// String returns the value.
func (c *choice) String() string { return *c.value }

// Type returns the word that stands for the value in the help.
func (c *choice) Type() string { return strings.Join(c.choices, "|") }

// completeChoices makes the shell complete the flags of cmd that have one of a few values.
func completeChoices(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		flag := cmd.Flags().Lookup(name)
		values, ok := flag.Value.(*choice)
		if !ok {
			panic(fmt.Sprintf("flag %s is no choice", name))
		}
		completeFlag(cmd, name, cobra.FixedCompletions(values.choices, cobra.ShellCompDirectiveNoFileComp))
	}
}

// completeFlag makes the shell complete a flag of cmd.
func completeFlag(cmd *cobra.Command, name string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
		// Both the flag and the function are constants of this package.
		panic(err)
	}
}
