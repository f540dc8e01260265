// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/api/tetragon"
)

// addCompletionCommand adds the command that prints the completion scripts of shells.
func addCompletionCommand(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Short = "Print the completion script of a shell"
			cmd.Example = "  source <(vedette completion bash)"
			newGroup(cmd)
		}
	}
}

// completionTimeout is how long a user who has pressed Tab waits for an agent at most.
const completionTimeout = time.Second

// completePolicyFiles completes the names of policy files and directories.
func completePolicyFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var extensions []string
	for _, suffix := range policySuffixes {
		extensions = append(extensions, strings.TrimPrefix(suffix, "."))
	}
	return extensions, cobra.ShellCompDirectiveFilterFileExt
}

// completeList completes the last element of a list separated by commas.
func completeList(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return listCompletions(words, toComplete)
	}
}

func listCompletions(words []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	before := toComplete[:strings.LastIndexByte(toComplete, ',')+1]
	var lists []string
	for _, word := range words {
		if list := before + word; strings.HasPrefix(strings.ToLower(list), strings.ToLower(toComplete)) {
			lists = append(lists, list)
		}
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completePolicies completes a list of the names of the agent's policies.
func completePolicies(c *client) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return listCompletions(policyNames(cmd.Context(), c), toComplete)
	}
}

// completeFirstPolicy completes the first argument with the name of one of the agent's policies.
func completeFirstPolicy(c *client) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return policyNames(cmd.Context(), c), cobra.ShellCompDirectiveNoFileComp
	}
}

// policyNames returns the names of the agent's policies. Without an agent there are none to complete;
// in the middle of a command line is no place for an error.
func policyNames(ctx context.Context, c *client) []string {
	if ctx == nil {
		ctx = context.Background()
	}
	c.timeout = completionTimeout
	c.retries = 0
	var names []string
	err := c.call(ctx, func(ctx context.Context, conn *connection) error {
		answer, err := conn.ListTracingPolicies(ctx, &tetragon.ListTracingPoliciesRequest{})
		for _, p := range answer.GetPolicies() {
			names = append(names, p.GetName())
		}
		return err
	})
	if err != nil {
		return nil
	}
	return names
}
