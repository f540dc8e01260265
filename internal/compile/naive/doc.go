// SPDX-License-Identifier: Apache-2.0

// Package naive says which selectors act on an event by reading the policies
// directly, filter by filter, as the policy language describes them. It is
// the second implementation that the compiler is tested against, and shares
// no code with it. Nothing but tests uses it.
package naive
