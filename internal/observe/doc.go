// SPDX-License-Identifier: Apache-2.0

// Package observe turns records of the kernel into events: it joins the decoder (package record), the
// process tree (package process) and what is known of the hooks ([HookPlan]), in that order.
//
// What an [Observer] emits is one reused event, so that a hook event allocates nothing. The two halves
// of a call whose return is reported are put together here, whichever comes first, and what is
// missing is counted and told in the stream of events.
package observe
