// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"io"
	"os"
	"strings"
)

// moduleFunctions says which modules have which functions.
type moduleFunctions struct {
	// loaded is the list of modules that it holds for.
	loaded string
	by     map[string]string
}

// moduleOf returns the module that has a function of the name, "" where none
// has. The list of symbols, which takes tens of milliseconds to read, is read
// again only where modules have come or gone.
func (t *types) moduleOf(name string) (string, error) {
	loaded, err := os.ReadFile("/proc/modules")
	if os.IsNotExist(err) {
		return "", nil // a kernel without modules
	}
	if err != nil {
		return "", err
	}
	t.cache() // what is kept is given up with it
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := withoutUsers(string(loaded)); t.modules.by == nil || t.modules.loaded != now {
		by, err := readModuleFunctions()
		if err != nil {
			return "", err
		}
		t.modules = moduleFunctions{now, by}
	}
	return t.modules.by[name], nil
}

// withoutUsers is the list of modules without how often each is in use.
func withoutUsers(list string) string {
	var b strings.Builder
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) >= 2 {
			b.WriteString(fields[0] + " " + fields[1] + " " + fields[len(fields)-1] + "\n")
		}
	}
	return b.String()
}

func readModuleFunctions() (map[string]string, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseModuleFunctions(f)
}

// parseModuleFunctions reads the functions of modules out of the list of
// symbols: address, kind, name, and the module in brackets.
func parseModuleFunctions(list io.Reader) (map[string]string, error) {
	by := map[string]string{}
	err := eachLine("kallsyms", list, func(line string) error {
		symbol, module, found := strings.Cut(line, "\t[")
		if !found {
			return nil
		}
		fields := strings.Fields(symbol)
		if len(fields) == 3 && strings.Contains("tTwW", fields[1]) {
			by[fields[2]] = strings.TrimSuffix(module, "]")
		}
		return nil
	})
	return by, err
}
