// SPDX-License-Identifier: Apache-2.0

// Package request makes the requests that policies want when events arrive:
// a page is fetched (GetUrl), a name is looked up (DnsLookup). What comes of
// it is of no interest but that it was asked for.
//
// A policy cannot make the agent talk to anybody: hosts are asked only if the
// agent was told so. Requests wait in a queue of bounded length, are made at
// a bounded rate and given up after a time; what is not made is counted.
// Nothing here holds an event up.
package request
