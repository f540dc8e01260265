// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
)

// usage is shown when the program is called in a way it does not know.
const usage = `usage: irisdb -w DIR -s DIR
       irisdb entrypoint -w DIR -s DIR
       irisdb container DIR
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "irisdb:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no arguments\n%s", usage)
	}
	switch args[0] {
	case "container":
		if len(args) != 2 {
			return fmt.Errorf("one directory is needed\n%s", usage)
		}
		return runContainer(args[1])
	case "enter-root":
		if len(args) != 2 {
			return fmt.Errorf("one directory is needed\n%s", usage)
		}
		return enterRoot(args[1])
	case "entrypoint":
		return entrypoint(args[1:])
	}
	db, err := parseDatabase(args)
	if err != nil {
		return err
	}
	return db.serve(os.Stdin, os.Stdout)
}

// parseDatabase reads the database's own flags.
func parseDatabase(args []string) (*database, error) {
	db := &database{}
	flags := flag.NewFlagSet("irisdb", flag.ContinueOnError)
	flags.StringVar(&db.work, "w", "", "working `directory` of sessions")
	flags.StringVar(&db.system, "s", "", "`directory` of the system's files")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if db.work == "" || db.system == "" || flags.NArg() != 0 {
		return nil, fmt.Errorf("-w and -s are needed, and nothing else\n%s", usage)
	}
	return db, nil
}
