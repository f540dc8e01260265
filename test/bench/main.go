// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: bench measure|check …")
	}
	switch args[0] {
	case "measure":
		return startMeasure(args[1:])
	case "check":
		return startCheck(args[1:])
	}
	return fmt.Errorf("no command %q: measure or check", args[0])
}

func startMeasure(args []string) error {
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	b := bench{progress: io.Discard, result: result{Figures: map[string]float64{}}}
	flags.StringVar(&b.vedette, "vedette", "", "the agent's program")
	flags.StringVar(&b.load, "load", "", "the program of load.c")
	flags.StringVar(&b.hookTest, "hook-test", "", "the test binary of internal/hook")
	flags.StringVar(&b.only, "only", "", "parts to measure, separated by commas: process, costs and kinds of hooks (default: all)")
	verbose := flags.Bool("v", false, "print figures as they come, to standard error")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *verbose {
		b.progress = os.Stderr
	}
	if err := b.measure(); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "\t")
	return out.Encode(b.result)
}

func startCheck(args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	path := flags.String("budget", "", "file with the budgets")
	update := flags.Bool("update", false, "make what was measured the budget")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var b budget
	if err := readJSON(*path, &b); err != nil {
		return err
	}
	var all result
	for _, file := range flags.Args() {
		var one result
		if err := readJSON(file, &one); err != nil {
			return err
		}
		if err := all.merge(one); err != nil {
			return err
		}
	}
	if *update {
		b.update(&all)
		if err := writeJSON(*path, b); err != nil {
			return err
		}
	}
	table(os.Stdout, &all, &b)
	return b.check(&all)
}
