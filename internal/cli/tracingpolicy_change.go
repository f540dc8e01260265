// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

func newPolicyDelete(c *client) *cobra.Command {
	return newPolicyChange(c, policyChange{
		use:     "delete",
		aliases: []string{"rm", "del"},
		short:   "Unload a policy and forget it",
		example: "  vedette tracingpolicy delete protect-secret\n  vedette tp delete audit -n shop --domain k8s",
		done:    "deleted",
		change: func(ctx context.Context, conn *connection, name string, where policyName) error {
			_, err := conn.DeleteTracingPolicy(ctx, &tetragon.DeleteTracingPolicyRequest{
				Name: name, Namespace: where.namespace, Domain: where.domain,
			})
			return err
		},
	})
}

func newPolicyEnable(c *client) *cobra.Command {
	return newPolicyChange(c, policyChange{
		use:     "enable",
		short:   "Put a disabled policy in force again",
		example: "  vedette tracingpolicy enable protect-secret",
		done:    "enabled",
		change: func(ctx context.Context, conn *connection, name string, where policyName) error {
			err := configure(ctx, conn, name, where, func(r *tetragon.ConfigureTracingPolicyRequest) { r.Enable = new(true) })
			if status.Code(err) != codes.Unimplemented {
				return err
			}
			// Agents older than the general call have one for this alone.
			_, err = conn.EnableTracingPolicy(ctx, &tetragon.EnableTracingPolicyRequest{
				Name: name, Namespace: where.namespace, Domain: where.domain,
			})
			return err
		},
	})
}

func newPolicyDisable(c *client) *cobra.Command {
	return newPolicyChange(c, policyChange{
		use:     "disable",
		short:   "Put a policy out of force and keep it",
		example: "  vedette tracingpolicy disable protect-secret",
		done:    "disabled",
		change: func(ctx context.Context, conn *connection, name string, where policyName) error {
			err := configure(ctx, conn, name, where, func(r *tetragon.ConfigureTracingPolicyRequest) { r.Enable = new(false) })
			if status.Code(err) != codes.Unimplemented {
				return err
			}
			_, err = conn.DisableTracingPolicy(ctx, &tetragon.DisableTracingPolicyRequest{
				Name: name, Namespace: where.namespace, Domain: where.domain,
			})
			return err
		},
	})
}

// The modes that a policy can be given.
const (
	modeEnforce = "enforce"
	modeMonitor = "monitor"
)

var policyModes = map[string]tetragon.TracingPolicyMode{
	modeEnforce: tetragon.TracingPolicyMode_TP_MODE_ENFORCE,
	modeMonitor: tetragon.TracingPolicyMode_TP_MODE_MONITOR,
}

func newPolicySetMode(c *client) *cobra.Command {
	var where policyName
	cmd := &cobra.Command{
		Use:     "set-mode NAME MODE",
		Short:   "Let a policy enforce, or only monitor",
		Long:    "Change the mode of a loaded policy. In mode enforce its actions are carried out; in mode monitor they are only\nreported, to try a policy out.",
		Example: "  vedette tracingpolicy set-mode protect-secret monitor\n  vedette tp set-mode protect-secret enforce",
		Args:    arguments("the name of a policy and a mode, enforce or monitor", 2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			mode, ok := policyModes[args[1]]
			if !ok {
				return usageErrorf(cmd, "unknown mode %q; it is enforce or monitor", args[1])
			}
			err := c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				return configure(ctx, conn, args[0], where, func(r *tetragon.ConfigureTracingPolicyRequest) { r.Mode = &mode })
			})
			if err != nil {
				return err
			}
			_, err = printf(cmd, "tracing policy %q set to mode %s\n", args[0], args[1])
			return err
		},
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return []string{modeEnforce, modeMonitor}, cobra.ShellCompDirectiveNoFileComp
		}
		return completeFirstPolicy(c)(cmd, args, toComplete)
	}
	where.addFlags(cmd.Flags())
	c.addFlags(cmd.Flags())
	return cmd
}

// configure changes settings of a loaded policy.
func configure(ctx context.Context, conn *connection, name string, where policyName, set func(*tetragon.ConfigureTracingPolicyRequest)) error {
	request := &tetragon.ConfigureTracingPolicyRequest{Name: name, Namespace: where.namespace, Domain: where.domain}
	set(request)
	_, err := conn.ConfigureTracingPolicy(ctx, request)
	return err
}
