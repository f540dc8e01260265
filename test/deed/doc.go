// SPDX-License-Identifier: Apache-2.0

// Deed makes system calls, one after the other in one thread, for the tests of
// policies that watch or forbid them:
//
//	deed CALL ARG... , CALL ARG...
//
// A call is a number, or i386/ and a number: a 32-bit call, whose arguments are
// numbers. An argument is one of
//
//	123 0x7b -1    a number
//	=text          the address of the text, with a NUL byte behind it
//	:0011ff        the address of the bytes
//	@0             what call 0 returned
//	[arg0|arg1     the address of the addresses of the texts, with NULL behind them
//
// It prints what the last call returned, a number or the name of an error, and
// ends with 0 whatever that was: to be refused is what many of the tests want.
package main
