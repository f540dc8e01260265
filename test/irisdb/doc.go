// SPDX-License-Identifier: Apache-2.0

// Irisdb stands in for the database of the scenario that started this
// project, where the real one cannot be had. It is built static and used in
// three ways:
//
//	irisdb container DIR
//
// makes what a container runtime makes: a pid namespace and a mount
// namespace whose root, below DIR, is that of the host with a /usr/irissys
// of its own, so that the host's /usr is never touched. In it runs
//
//	/iris-main entrypoint -w /home/irisowner -s /usr/irissys/mgr
//
// as pid 1, which starts the database as its child and reaps whatever else
// ends in the namespace:
//
//	/usr/irissys/bin/irisdb -w /home/irisowner -s /usr/irissys/mgr
//
// The database reads commands from its standard input, a pipe or a terminal,
// one a line:
//
//	ZF COMMAND ARG...   run a command directly
//	SHELL LINE          run a line through /bin/bash -c
//	READKEY             read the database's key, mgr/iris.key
//	HALT                end, as does the end of the input
//
// After each it prints "exit code: N" with the command's status, or -1 when
// the command was killed.
package main
