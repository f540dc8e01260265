// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vedette-io/vedette/internal/export"
)

// readExports reads the named exports of a directory, in the order of the names of its files. Only the default
// directory may be missing; hidden files are passed over, as in directories of options.
func readExports(dir string) ([]export.Spec, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if dir == defaultExportsDir && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var specs []export.Spec
	for _, entry := range entries {
		name := entry.Name()
		if ext := filepath.Ext(name); strings.HasPrefix(name, ".") || ext != ".yaml" && ext != ".yml" {
			continue
		}
		path := filepath.Join(dir, name)
		text, err := readOptions(path)
		if err != nil {
			return nil, err
		}
		more, err := export.ParseSpecs(path, []byte(text))
		if err != nil {
			return nil, err
		}
		specs = append(specs, more...)
	}
	return specs, export.CheckSpecs(specs)
}
