// SPDX-License-Identifier: Apache-2.0

// Proc makes processes that are hard to tell right, for the tests of the
// process events:
//
//	proc thread-exec PATH ARG...   executes a program from a thread that is not the first
//	proc thread-seek               makes a marked lseek in each of two threads and prints their ids
//	proc fork-exit                 forks a child that ends at once without an exec, and prints its pid
//	proc deep N                    executes itself as a child, N processes deep
//	proc memory-exec PATH ARG...   executes a copy of a program that is in memory only
//	proc deleted-exec PATH ARG...  executes a program whose file has been removed
//	proc storm N PATH              executes a program N times, in order, and prints how long it took in ms
//	proc procs FILE PATH ARG...    writes its pid to FILE and executes a program
package main
