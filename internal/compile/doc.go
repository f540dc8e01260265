// SPDX-License-Identifier: Apache-2.0

// Package compile turns a set of policies into what the kernel program of
// each hook needs: rules, dimensions, tables and slots for arguments.
//
// Every selector of every policy on one hook is a rule, a bit. Every
// [Dim] maps one value of an event to the vector of rules that the value
// satisfies; the conjunction of the vectors is the set of rules that match,
// and the lowest bit of each [Group] acts. All filters on one value, whatever
// their operators and policies, are folded into that one table, so an event
// costs the same with one rule as with a thousand.
//
// The package is pure: no system calls, and equal input gives equal output.
// [Hook.Match], [Hook.MatchReturn] and [Hook.Winners] look the tables up as
// the kernel program does; the package naive beside it interprets policies
// directly, and tests compare the two.
package compile
