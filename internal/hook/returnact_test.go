// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"strings"
	"testing"
)

// TestReturnActions carries out actions at the return in every way to attach
// hooks with returns. The signal is one that nobody minds.
func TestReturnActions(t *testing.T) {
	_, e := mustEngine(t, Options{})
	for _, c := range attachCases {
		if !strings.HasSuffix(c.name, "with return") {
			continue
		}
		for _, way := range c.ways {
			for _, test := range []struct {
				name, actions string
				want          Counters
			}{
				{"stacks, a limit and a signal",
					"matchReturnActions: [{action: Post, kernelStackTrace: true, userStackTrace: true, rateLimit: 10m, rateLimitScope: global}, {action: Signal, argSig: 23}]",
					Counters{Post: 1, RateLimited: cuts - 1, Signal: cuts}},
				{"at both ends, no event", "matchActions: [{action: NoPost}, {action: Signal, argSig: 23}], matchReturnActions: [{action: Signal, argSig: 23}]",
					Counters{NoPost: cuts, Signal: 2 * cuts}},
			} {
				t.Run(c.name+"/"+string(way)+"/"+test.name, func(t *testing.T) {
					path := c.build(t)
					c.mustCount(t, e, way, withActions(c.entry(path), test.actions), path, test.want)
				})
			}
		}
	}
}

// withActions gives the selectors of an entry others than its actions.
func withActions(entry, actions string) string {
	entry = strings.Replace(entry, "      matchActions: [{action: Post}]\n", "      "+strings.ReplaceAll(actions, "], match", "]\n      match")+"\n", 1)
	entry = strings.Replace(entry, "{index: 0, type: int}, {index: 1", "{index: 1", 1) // the first one differs each time
	return strings.Replace(entry, "]}]}]\n", "]}], "+actions+"}]\n", 1)
}
