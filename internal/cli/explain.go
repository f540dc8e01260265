// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

const explainHelp = `Tell what a field, argument type, operator, action or option of policies means, with an example. No agent is needed.

A field is named by its path, "spec.kprobes.call", with or without the resource before it, "tracingpolicy.spec.kprobes.call",
or by its last name alone. Everything else is named as policies spell it: sock, Prefix, Sigkill, policy-mode.`

// newExplainCommand returns the command that tells what the policy language means.
func newExplainCommand() *cobra.Command {
	output := formatText
	var recursive, example, list bool
	cmd := &cobra.Command{
		Use:   "explain [NAME]",
		Short: "Tell what a field, type, operator or action of policies means",
		Long:  explainHelp,
		Example: "  vedette explain\n  vedette explain spec.kprobes.selectors.matchArgs\n  vedette explain sock\n" +
			"  vedette explain Prefix --example\n  vedette explain --list",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf(cmd, "explain takes one name, not %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: completeExplained,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				_, err := printf(cmd, "%s\n", strings.Join(explainedNames(), "\n"))
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			found, err := explain(name, recursive)
			if err != nil {
				return usageErrorf(cmd, "%w", err)
			}
			return printExplained(cmd, found, output, example)
		},
	}
	cmd.Flags().VarP(newChoice(&output, formatText, formatJSON, formatYAML), "output", "o", "how to print it: text, json or yaml")
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "tell all fields below, by their paths")
	cmd.Flags().BoolVar(&example, "example", false, "print the example alone, the part of a policy below spec")
	cmd.Flags().BoolVar(&list, "list", false, "list everything that can be explained")
	completeChoices(cmd, "output")
	return cmd
}

const formatYAML = "yaml"

// errNoExample is the error of --example where there is none.
var errNoExample = errors.New("there is no example of its own")

func printExplained(cmd *cobra.Command, found []explanation, output string, example bool) error {
	if example {
		var examples []string
		for i := range found {
			if found[i].Example != "" && !slices.Contains(examples, found[i].Example) {
				examples = append(examples, found[i].Example)
			}
		}
		if len(examples) == 0 {
			return errNoExample
		}
		_, err := printf(cmd, "%s", strings.Join(examples, "---\n"))
		return err
	}
	switch output {
	case formatJSON:
		text, err := json.MarshalIndent(found, "", "  ")
		if err != nil {
			return err
		}
		_, err = printf(cmd, "%s\n", text)
		return err
	case formatYAML:
		text, err := yaml.Marshal(found)
		if err != nil {
			return err
		}
		_, err = printf(cmd, "%s", text)
		return err
	}
	for i := range found {
		if i > 0 {
			if _, err := printf(cmd, "\n"); err != nil {
				return err
			}
		}
		if _, err := printf(cmd, "%s", found[i].text()); err != nil {
			return err
		}
	}
	return nil
}

func completeExplained(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, name := range explainedNames() {
		if strings.HasPrefix(name, word) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
