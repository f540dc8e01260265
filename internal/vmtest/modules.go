// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modules are the loadable modules of a kernel, by name.
type modules struct {
	files   map[string]string
	builtin map[string]bool
	// read returns a module as an ELF file.
	read func(path string) ([]byte, error)
}

// findModules finds the modules below the directory of a kernel.
func findModules(kernel string) (*modules, error) {
	dir, err := moduleDir(kernel)
	if err != nil {
		return nil, err
	}
	m := &modules{files: map[string]string{}, builtin: map[string]bool{}, read: readModule}
	builtin, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	for _, path := range strings.Fields(string(builtin)) {
		m.builtin[moduleName(path)] = true
	}
	return m, filepath.WalkDir(filepath.Join(dir, "kernel"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.Contains(filepath.Base(path), ".ko") {
			m.files[moduleName(path)] = path
		}
		return err
	})
}

func moduleDir(kernel string) (string, error) {
	for _, pattern := range []string{"lib/modules/*", "usr/lib/modules/*"} {
		dirs, err := filepath.Glob(filepath.Join(kernel, pattern))
		if err != nil {
			return "", err
		}
		if len(dirs) > 0 {
			return dirs[0], nil
		}
	}
	return "", fmt.Errorf("%s has no modules", kernel)
}

// moduleName is the name of the module in a file. The kernel takes "-" and "_" for the same.
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// readModule returns a module, which distributions compress in several ways.
func readModule(path string) ([]byte, error) {
	switch filepath.Ext(path) {
	case ".xz":
		return output("xz", "-dc", path)
	case ".zst":
		return output("zstd", "-dcq", path)
	case ".gz":
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	}
	return os.ReadFile(path)
}

func output(argv ...string) ([]byte, error) {
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, bytes.TrimSpace(exit.Stderr))
	}
	return out, err
}

// module is a module as the kernel loads it.
type module struct {
	name string
	data []byte
}

// order returns the modules that must be loaded for the named ones, each after those that it depends on.
// What is built into the kernel is left out.
func (m *modules) order(names []string) ([]module, error) {
	var ordered []module
	done := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		name = moduleName(name)
		if done[name] || m.builtin[name] {
			return nil
		}
		done[name] = true
		path, ok := m.files[name]
		if !ok {
			return fmt.Errorf("the kernel has no module %s", name)
		}
		data, err := m.read(path)
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		depends, err := dependencies(data)
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		for _, other := range depends {
			if err := visit(other); err != nil {
				return err
			}
		}
		ordered = append(ordered, module{name, data})
		return nil
	}
	for _, name := range names {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}

// dependencies returns the names after "depends=" in the section .modinfo, where a module describes itself.
func dependencies(data []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, errors.New("no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	return dependsOn(info), nil
}

// dependsOn reads the text of .modinfo: KEY=VALUE, each ended by a zero byte.
func dependsOn(info []byte) []string {
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if names, ok := strings.CutPrefix(entry, "depends="); ok && names != "" {
			return strings.Split(names, ",")
		}
	}
	return nil
}
