// SPDX-License-Identifier: Apache-2.0

// Package expression understands the expressions of the operator CelExpr:
// CEL (the Common Expression Language) over integer arguments arg0, arg1, ….
// A text becomes a typed tree, [Expr], which can be evaluated here, and which
// package hook compiles to instructions of the kernel.
//
// What is computed is what CEL says: signed and unsigned 64-bit integers whose
// overflow is an error, and logical operators that a decided operand decides
// whatever the other one is, an error too. An argument that could not be read
// is an error. Beyond CEL an integer literal adapts to an unsigned operand,
// signed and unsigned values can be compared, and there are the functions
// int32, uint32, int64 and uint64, which convert as C does, and and, or, xor
// and not on bits.
package expression
