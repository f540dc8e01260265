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
				{"signal", "matchReturnActions: [{action: Signal, argSig: 23}]", Counters{Post: cuts, Signal: cuts}},
				{"no event", "matchReturnActions: [{action: NoPost}, {action: Signal, argSig: 23}]", Counters{NoPost: cuts, Signal: cuts}},
				{"return that does not satisfy", "matchReturnArgs: [{index: 0, operator: GT, values: ['1000']}], matchReturnActions: [{action: Sigkill}]", Counters{}},
				{"stacks and a limit", "matchReturnActions: [{action: Post, kernelStackTrace: true, userStackTrace: true, rateLimit: 10m, rateLimitScope: global}]",
					Counters{Post: 1, RateLimited: cuts - 1}},
				{"what the entry says", "matchActions: [{action: NoPost}, {action: Signal, argSig: 23}], matchReturnActions: [{action: Post}]",
					Counters{NoPost: cuts, Signal: cuts}},
			} {
				t.Run(c.name+"/"+string(way)+"/"+test.name, func(t *testing.T) {
					path := c.build(t)
					if got := c.mustCount(t, e, way, withActions(c.entry(path), test.actions), path); got != test.want {
						t.Errorf("%+v, want %+v", got, test.want)
					}
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
