// SPDX-License-Identifier: Apache-2.0

// Package policy reads TracingPolicy resources: it parses their YAML
// strictly, fills in the defaults of the schema and validates everything that
// can be judged without a kernel. Every finding is a [Diagnostic] with line
// and column. What a policy asks for that Vedette cannot execute is not this
// package's concern; the compiler refuses it.
//
// [Parse] and [ReadFile] return the valid policies of a text beside the
// diagnostics of all of it, so that one broken document never hides another.
//
// The meaning of values (integers, ranges, addresses, capability names, rate
// limits) is exported too, so that whoever compiles a policy reads them
// exactly as the validation did.
package policy
