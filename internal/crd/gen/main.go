// SPDX-License-Identifier: Apache-2.0

// Command gen writes the CustomResourceDefinitions to a directory.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/vedette-io/vedette/internal/crd"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: gen DIRECTORY")
	}
	for _, d := range crd.Definitions() {
		text, err := d.YAML()
		if err != nil {
			return fmt.Errorf("%s: %w", d.Metadata.Name, err)
		}
		if err := os.WriteFile(filepath.Join(args[0], d.Spec.Names.Plural+".yaml"), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
