// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/vedette-io/vedette/api/tetragon"
)

// printSelectors prints what each selector of a policy has done.
func printSelectors(w io.Writer, p *tetragon.TracingPolicyStatus) error {
	counters := p.GetStats().GetSelectorActionCounters()
	if len(counters) == 0 {
		return nil
	}
	var rows bytes.Buffer
	table := tabwriter.NewWriter(&rows, 0, 0, columnGap, ' ', 0)
	fmt.Fprintln(table, "HOOK\tCFGIDX\tSELECTOR\tLABEL\tNPOST\tNENFORCE\tNMONITOR")
	for _, c := range counters {
		n := c.GetActionCounters()
		enforced, monitored := sumActions(n)
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%d\t%d\t%d\n", oneCell(c.GetHook()), c.GetHookIndex().GetValue(),
			c.GetSelectorIndex().GetValue(), oneCell(cmp.Or(c.GetSelectorLabel(), "-")), n.GetPost(), enforced, monitored)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return printIndented(w, rows.String())
}

// sumActions returns how many actions were carried out, and how many would have been.
func sumActions(n *tetragon.TracingPolicyActionCounters) (enforced, monitored uint64) {
	return n.GetSignal() + n.GetOverride() + n.GetNotifyEnforcer() + n.GetSet(),
		n.GetMonitorSignal() + n.GetMonitorOverride() + n.GetMonitorNotifyEnforcer() + n.GetMonitorSet()
}
