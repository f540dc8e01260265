// SPDX-License-Identifier: Apache-2.0

// Package filter selects events and the fields of events.
//
// A [Set] is a compiled pair of allow and deny lists of the interface's Filter message. It looks at the
// event as the agent carries it; only a CEL expression makes a message of it, once for all sets that
// look at the same [Subject]. [FieldFilters] remove fields from the message.
//
// Filters come from clients: they are bounded in number, length and cost, and what is wrong with one
// is said with its place and its value.
package filter
