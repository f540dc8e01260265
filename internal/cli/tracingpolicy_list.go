// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
)

// The values of --output of lists, beside json.
const (
	formatText = "text"
	formatWide = "wide"
)

const policyListHelp = `List the policies of the running agent.

NPOST counts the events told, NENFORCE the actions carried out, and NMONITOR those that would have been in mode
enforce. The hooks of a policy of which only some are in force are shown below it; -o wide shows them for every
policy, with how each is attached to this kernel, and what each selector has done.`

func newPolicyList(p Program, c *client) *cobra.Command {
	var domain string
	output := formatText
	cmd := &cobra.Command{
		Use:               "list",
		Aliases:           []string{"ls"},
		Short:             "List the policies of the running agent",
		Long:              policyListHelp,
		Example:           "  vedette tracingpolicy list\n  vedette tp list -o wide\n  vedette tp list -o json --domain static",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer *tetragon.ListTracingPoliciesResponse
			err := c.call(cmd.Context(), func(ctx context.Context, conn *connection) (err error) {
				answer, err = conn.ListTracingPolicies(ctx, &tetragon.ListTracingPoliciesRequest{Domain: domain})
				return err
			})
			if err != nil {
				return err
			}
			if output == formatJSON {
				return printMessage(p.Stdout, answer)
			}
			return printPolicies(p.Stdout, answer.GetPolicies(), output == formatWide)
		},
	}
	cmd.Flags().VarP(newChoice(&output, formatText, formatWide, formatJSON), "output", "o", "how to print the list: text, wide (with hooks and errors) or json")
	cmd.Flags().StringVar(&domain, "domain", "", "only policies of this domain, e.g. static")
	completeChoices(cmd, "output")
	c.addFlags(cmd.Flags())
	return cmd
}

// printMessage prints a message as JSON on one line.
func printMessage(w io.Writer, m proto.Message) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	line.WriteByte('\n')
	_, err = w.Write(line.Bytes())
	return err
}

// columnGap is how many blanks separate the columns of tables.
const columnGap = 3

// printPolicies prints a table of policies. A line of the table ends where an indented table of hooks
// begins, so that both keep their own columns.
func printPolicies(w io.Writer, policies []*tetragon.TracingPolicyStatus, wide bool) error {
	slices.SortStableFunc(policies, func(a, b *tetragon.TracingPolicyStatus) int { return cmp.Compare(a.GetId(), b.GetId()) })
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, columnGap, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tDOMAIN\tSTATE\tFILTERID\tNAMESPACE\tSENSORS\tKERNELMEMORY\tMODE\tNPOST\tNENFORCE\tNMONITOR")
	for _, p := range policies {
		fmt.Fprintln(table, policyRow(p))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	header, rest, _ := strings.Cut(rows.String(), "\n")
	var out strings.Builder
	out.WriteString(header + "\n")
	for _, p := range policies {
		var row string
		row, rest, _ = strings.Cut(rest, "\n")
		out.WriteString(row + "\n")
		if err := printPolicyDetails(&out, p, wide); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// policyRow returns the cells of a policy, separated by tabs.
func policyRow(p *tetragon.TracingPolicyStatus) string {
	n := p.GetStats().GetActionCounters()
	enforced, monitored := sumActions(n)
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%d\t%d\t%d",
		p.GetId(), oneCell(p.GetName()), oneCell(p.GetDomain()), enumWord(p.GetState().String(), "TP_STATE_"), p.GetFilterId(),
		oneCell(cmp.Or(p.GetNamespace(), "(global)")), oneCell(strings.Join(p.GetSensors(), ",")),
		formatSize(p.GetKernelMemoryBytes()), enumWord(p.GetMode().String(), "TP_MODE_"),
		n.GetPost(), enforced, monitored)
}

// oneCell keeps text from another machine within its cell.
func oneCell(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// formatSize returns a size in bytes for people, with steps of 1000.
func formatSize(bytes uint64) string {
	const step = 1000
	if bytes < step {
		return fmt.Sprintf("%d B", bytes)
	}
	size, unit := float64(bytes)/step, 0
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	for size >= step && unit < len(units)-1 {
		size /= step
		unit++
	}
	return fmt.Sprintf("%.2f %s", size, units[unit])
}

// printPolicyDetails prints what went wrong with a policy and, where that matters, its hooks and
// selectors.
func printPolicyDetails(w io.Writer, p *tetragon.TracingPolicyStatus, wide bool) error {
	if text := strings.TrimSpace(p.GetError()); text != "" && wide {
		fmt.Fprintf(w, "  error: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
	}
	if err := printHooks(w, p, wide); err != nil || !wide {
		return err
	}
	return printSelectors(w, p)
}

// printHooks prints the hooks of a policy where that matters.
func printHooks(w io.Writer, p *tetragon.TracingPolicyStatus, wide bool) error {
	hooks := p.GetHookStatuses()
	partial := p.GetState() == tetragon.TracingPolicyState_TP_STATE_PARTIALLY_ENABLED
	if len(hooks) == 0 || !wide && !partial {
		return nil
	}
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, columnGap, ' ', 0)
	fmt.Fprint(table, "SECTION\tCFGIDX\tDESCRIPTION\tSTATUS")
	if wide {
		fmt.Fprint(table, "\tATTACHMENT")
	}
	fmt.Fprintln(table)
	for _, hook := range hooks {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s", oneCell(hook.GetSection()), hook.GetHookIdx(),
			oneCell(hook.GetHookDescription()), enumWord(hook.GetState().String(), "STATUS_"))
		if wide {
			fmt.Fprintf(table, "\t%s", oneCell(cmp.Or(hook.GetVedetteAttachment(), "-")))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, hook := range hooks {
		if text := hook.GetVedetteCaveat(); text != "" && wide {
			fmt.Fprintf(&rows, "note: %s[%d] %s: %s\n", oneCell(hook.GetSection()), hook.GetHookIdx(),
				oneCell(hook.GetHookDescription()), oneCell(text))
		}
	}
	return printIndented(w, rows.String())
}

// printIndented prints the lines of a table below the one it is about.
func printIndented(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if _, err := io.WriteString(w, "  "+line); err != nil {
			return err
		}
	}
	return nil
}

func newPolicyDomains(c *client) *cobra.Command {
	output := formatText
	cmd := &cobra.Command{
		Use:               "domains",
		Short:             "List the domains that policies are loaded in",
		Long:              "List the domains that policies are loaded in. Policies of one name can be loaded in several domains.",
		Example:           "  vedette tracingpolicy domains\n  vedette tp domains -o json",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				answer, err := conn.ListDomains(ctx, &tetragon.ListDomainsRequest{})
				if err != nil {
					return err
				}
				if output == formatJSON {
					return printMessage(cmd.OutOrStdout(), answer)
				}
				for _, domain := range answer.GetDomains() {
					if _, err := printf(cmd, "%s\n", oneCell(domain)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().VarP(newChoice(&output, formatText, formatJSON), "output", "o", "how to print the list: text or json")
	completeChoices(cmd, "output")
	c.addFlags(cmd.Flags())
	return cmd
}
