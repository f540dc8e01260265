// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const tracingPolicyHelp = `Check, load, list and change tracing policies.

A tracing policy says which kernel functions, tracepoints and system calls to watch, under which conditions an
event is worth telling, and what to do then: tell, or stop the process. lint, generate and modify need no agent.`

// newTracingPolicyCommand returns the commands about policies.
func newTracingPolicyCommand(p Program, c *client) *cobra.Command {
	cmd := newGroup(&cobra.Command{
		Use:     "tracingpolicy",
		Aliases: []string{"tp", "policy"},
		Short:   "Check, load, list and change tracing policies",
		Long:    tracingPolicyHelp,
		Example: "  vedette tracingpolicy lint policy.yaml\n  vedette tp add policy.yaml\n  vedette tp list",
	})
	cmd.AddCommand(
		newPolicyLint(p),
		newPolicyAdd(p, c),
		newPolicyModify(p),
		newPolicyDelete(c),
		newPolicyList(p, c),
		newPolicyEnable(c),
		newPolicyDisable(c),
		newPolicySetMode(c),
		newPolicyDomains(c),
		newPolicyGenerate(),
	)
	return cmd
}

// policyName says which loaded policy is meant.
type policyName struct{ namespace, domain string }

func (n *policyName) addFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&n.namespace, "namespace", "n", "", "Kubernetes namespace of the policy, e.g. default")
	flags.StringVar(&n.domain, "domain", "", "domain of the policy: static, grpc, k8s or a name of your own (default: grpc)")
}

// policyChange describes a command that changes one loaded policy.
type policyChange struct {
	use, short, long, example string
	aliases                   []string
	// done is what is printed after the change, with the name of the policy.
	done   string
	change func(ctx context.Context, conn *connection, name string, where policyName) error
}

// newPolicyChange returns a command NAME that changes the policy of that name.
func newPolicyChange(c *client, d policyChange) *cobra.Command {
	var where policyName
	cmd := &cobra.Command{
		Use:               d.use + " NAME",
		Aliases:           d.aliases,
		Short:             d.short,
		Long:              d.long,
		Example:           d.example,
		Args:              arguments("the name of a policy", 1, 1),
		ValidArgsFunction: completeFirstPolicy(c),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				return d.change(ctx, conn, args[0], where)
			})
			if err != nil {
				return err
			}
			_, err = printf(cmd, "tracing policy %q %s\n", args[0], d.done)
			return err
		},
	}
	where.addFlags(cmd.Flags())
	c.addFlags(cmd.Flags())
	return cmd
}
