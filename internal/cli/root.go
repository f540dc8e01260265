// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"

	"github.com/spf13/cobra"
)

const rootHelp = `Vedette watches every process of this machine from inside the kernel with eBPF, tells what happened as
events, and stops what a policy forbids before it takes effect.

Try it on one command, as root:

  sudo vedette run -- ls /tmp

Or start the agent, and look at what it sees from another terminal:

  sudo vedette agent
  sudo vedette getevents -o compact

Policies say which events matter and what is forbidden. They are TracingPolicy files (cilium.io/v1alpha1):

  vedette tracingpolicy lint policy.yaml
  sudo vedette tracingpolicy add policy.yaml`

// The groups of commands in the help of the program.
const (
	groupWatch  = "watch"
	groupPolicy = "policy"
	groupOther  = "other"
)

// programName is the name of the program unless it was started under another one.
const programName = "vedette"

// newRootCommand returns the command line of the program.
func newRootCommand(p Program) *cobra.Command {
	c := &client{stderr: p.Stderr}
	root := newGroup(&cobra.Command{
		Use:   cmp.Or(p.Name, programName),
		Short: "Security observability and enforcement with eBPF",
		Long:  rootHelp,
	})
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: groupWatch, Title: "Watch:"},
		&cobra.Group{ID: groupPolicy, Title: "Policies:"},
		&cobra.Group{ID: groupOther, Title: "Agent and client:"},
	)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
		}
		root.AddCommand(commands...)
	}
	add(groupWatch, newRunCommand(p), newGetEventsCommand(p, c))
	add(groupPolicy, newTracingPolicyCommand(p, c), newExplainCommand())
	add(groupOther, newAgentCommand(p), newStatusCommand(c), newVersionCommand(c), newLogLevelCommand(c),
		newProbeCommand(p), newInfoCommand(c), newEventLogCommand(c), newDebugCommand(c), newSensorsCommand(c))
	addCompletionCommand(root)
	return root
}

// newGroup makes a command that has only sub-commands: without one it prints its help, and a word
// that is none of them is an error.
func newGroup(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
