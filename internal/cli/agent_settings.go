// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// settings are the places that flags are set from beside the command line.
type settings struct {
	// prefixes begin the names of environment variables; an earlier one comes first.
	prefixes []string
	// sources are directories of options, and files where the name ends with .yaml. A later one comes
	// first. What does not exist is passed over.
	sources []string
	environ func(name string) string
}

func newSettings() settings {
	return settings{
		prefixes: []string{"VEDETTE_", "TETRAGON_"},
		// A file in the working directory is not read: an agent that is root must not do what anyone
		// who can write there tells it.
		sources: []string{
			"/usr/lib/vedette/vedette.conf.d",
			"/usr/local/lib/vedette/vedette.conf.d",
			"/etc/vedette/vedette.yaml",
			"/etc/vedette/vedette.conf.d",
		},
		environ: os.Getenv,
	}
}

// setting is the value of a flag and where it is from, for messages.
type setting struct{ value, from string }

// apply sets the flags that are not on the command line.
func (s settings) apply(flags *pflag.FlagSet) error {
	if dir := flags.Lookup(configDirFlag); !dir.Changed {
		if found, ok := s.fromEnvironment(configDirFlag); ok {
			if err := flags.Set(configDirFlag, found.value); err != nil {
				return err
			}
		}
	}
	files, err := s.fromFiles(flags.Lookup(configDirFlag).Value.String())
	if err != nil {
		return err
	}
	if err := checkNames(files, flags); err != nil {
		return err
	}
	var errs []error
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || flag.Name == "help" {
			return
		}
		found, ok := s.fromEnvironment(flag.Name)
		if !ok {
			found, ok = files[flag.Name]
		}
		if !ok {
			return
		}
		// The error of the flag set repeats the flag as if it had been typed.
		if err := flag.Value.Set(found.value); err != nil {
			errs = append(errs, fmt.Errorf("%s: invalid value %q for %s: %w", found.from, found.value, flag.Name, err))
			return
		}
		flag.Changed = true
	})
	return errors.Join(errs...)
}

// fromEnvironment returns the value of a flag in the environment. An empty variable is none.
func (s settings) fromEnvironment(name string) (setting, bool) {
	variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	for _, prefix := range s.prefixes {
		if value := s.environ(prefix + variable); value != "" {
			return setting{value, "environment variable " + prefix + variable}, true
		}
	}
	return setting{}, false
}

// fromFiles returns the options of all files. Only configDir must exist, where it is given.
func (s settings) fromFiles(configDir string) (map[string]setting, error) {
	all := make(map[string]setting)
	for _, source := range s.sources {
		read := readOptionDir
		if filepath.Ext(source) == ".yaml" {
			read = readOptionFile
		}
		options, err := read(source)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		maps.Copy(all, options)
	}
	if configDir != "" {
		options, err := readOptionDir(configDir)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", configDirFlag, err)
		}
		maps.Copy(all, options)
	}
	return all, nil
}

// checkNames reports options that there are not.
func checkNames(options map[string]setting, flags *pflag.FlagSet) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if flags.Lookup(name) == nil || name == configDirFlag || name == "help" {
			errs = append(errs, fmt.Errorf("%s: unknown option %q%s", options[name].from, name, didYouMean(name, "", flagNames(flags))))
		}
	}
	return errors.Join(errs...)
}

// maxOptionFile is the size in bytes of the largest file of options.
const maxOptionFile = 1 << 20

// readOptionDir reads a directory of one file for each option. Sub-directories are passed over, and
// so are hidden files: the mount of a ConfigMap has both.
func readOptionDir(dir string) (map[string]setting, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	options := make(map[string]setting)
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		text, err := readOptions(path)
		if err != nil {
			return nil, err
		}
		options[entry.Name()] = setting{strings.TrimSpace(text), path}
	}
	return options, nil
}

// readOptionFile reads a YAML file of options.
func readOptionFile(path string) (map[string]setting, error) {
	text, err := readOptions(path)
	if err != nil {
		return nil, err
	}
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(text), &nodes); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	options := make(map[string]setting, len(nodes))
	for name, node := range nodes {
		from := fmt.Sprintf("%s:%d", path, node.Line)
		value, err := optionValue(&node)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", from, name, err)
		}
		options[name] = setting{value, from}
	}
	return options, nil
}

// optionValue returns the value of an option as it would be on a command line.
func optionValue(node *yaml.Node) (string, error) {
	switch {
	case node.Kind == yaml.AliasNode:
		return optionValue(node.Alias)
	case node.Tag == "!!null":
		return "", nil
	case node.Kind == yaml.ScalarNode:
		return node.Value, nil
	case node.Kind != yaml.SequenceNode:
		return "", errors.New("a value or a list of values is expected")
	}
	var values []string
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode {
			return "", errors.New("a list of plain values is expected")
		}
		values = append(values, item.Value)
	}
	return strings.Join(values, ","), nil
}

// readOptions reads a file of options.
func readOptions(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxOptionFile+1))
	if err != nil {
		return "", fmt.Errorf("read options: %w", err)
	}
	if len(text) > maxOptionFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxOptionFile)
	}
	return string(text), nil
}
