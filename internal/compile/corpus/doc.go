// SPDX-License-Identifier: Apache-2.0

// Package corpus makes random policies and random events on their hooks, for
// tests that compare two ways to decide which selectors act. The alphabets
// are small, so that equal values, nested prefixes and the ends of ranges are
// frequent, and lengths of strings crowd around the lengths at which the
// string tables are chained.
//
// The same seed gives the same corpus.
package corpus
