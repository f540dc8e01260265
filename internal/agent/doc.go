// SPDX-License-Identifier: Apache-2.0

// Package agent puts everything together: it is the only package that knows
// both the control wing (policy, compile, hook) and the events wing (record,
// process, event, stream). [Run] is the agent, [RunCommand] watches a single
// command.
package agent
