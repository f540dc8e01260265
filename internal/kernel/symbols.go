// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bufio"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/vedette-io/vedette/internal/nearest"
)

// symbols are the names that the kernel's lists have. They are kept as
// hashes, 8 bytes each, because a kernel has a hundred thousand of them.
type symbols struct {
	functions nameSet // /proc/kallsyms
	traceable nameSet // available_filter_functions of tracefs
	forbidden nameSet // the blacklist of kprobes
	unknown   unknown
}

// HasSymbol reports whether the kernel or a module has a function of that
// name, by /proc/kallsyms. The first call takes tens of milliseconds.
func (o *Offer) HasSymbol(name string) (bool, error) {
	return o.symbols.functions.has(name, readFunctions)
}

// nameSet is a list of names, read when it is first asked for.
type nameSet struct {
	once sync.Once
	sum  []uint64
	err  error
}

var seed = maphash.MakeSeed()

// has reports whether the list has the name.
func (s *nameSet) has(name string, read func(add func(string)) error) (bool, error) {
	s.once.Do(func() {
		s.err = read(func(name string) { s.sum = append(s.sum, maphash.String(seed, name)) })
		slices.Sort(s.sum)
		s.sum = slices.Clip(slices.Compact(s.sum))
	})
	if s.err != nil {
		return false, s.err
	}
	_, ok := slices.BinarySearch(s.sum, maphash.String(seed, name))
	return ok, nil
}

// readFunctions reads /proc/kallsyms: address, kind, name, and the module in
// brackets.
func readFunctions(add func(string)) error {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return &MissingError{Feature: "/proc/kallsyms", Option: "CONFIG_KALLSYMS", Cause: err}
	}
	defer f.Close()
	return parseKallsyms(f, add)
}

func parseKallsyms(r io.Reader, add func(string)) error {
	return eachLine("kallsyms", r, func(line string) error {
		_, rest, ok := strings.Cut(line, " ")
		if !ok || len(rest) < 3 || rest[1] != ' ' {
			return fmt.Errorf("line %q", line)
		}
		if strings.IndexByte("tTwW", rest[0]) < 0 {
			return nil
		}
		name, _, _ := strings.Cut(rest[2:], "\t")
		add(name)
		return nil
	})
}

// unknown remembers what was suggested for the last unknown function, which
// is mostly asked for several times.
type unknown struct {
	mu         sync.Mutex
	name, text string
}

// suggest returns the part of a message that tells the functions whose names
// are near, or "".
func (u *unknown) suggest(name string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.name != name {
		u.name, u.text = name, suggest(name, func(symbol string) (string, bool) {
			// Not copies that compilers made, or the padding before functions.
			return symbol, !strings.Contains(symbol, ".") && !strings.HasPrefix(symbol, "__pfx_")
		})
	}
	return u.text
}

// lsmPrefix is what the names of the functions begin with that BPF programs
// replace at LSM hooks.
const lsmPrefix = "bpf_lsm_"

// suggestLSMHook does the same for LSM hooks as [unknown.suggest].
func suggestLSMHook(name string) string {
	return suggest(name, func(symbol string) (string, bool) { return strings.CutPrefix(symbol, lsmPrefix) })
}

// suggest looks among what pick makes of the names of functions.
func suggest(name string, pick func(string) (string, bool)) string {
	var candidates []string
	err := readFunctions(func(symbol string) {
		if candidate, ok := pick(symbol); ok && nearest.Near(name, candidate) {
			candidates = append(candidates, candidate)
		}
	})
	if err != nil {
		return "" // a suggestion is an addition
	}
	return nearest.Suggest(name, slices.Values(candidates))
}

// readTraceable reads the functions that ftrace knows: a name, and the module
// in brackets.
func readTraceable(add func(string)) error {
	return readList("tracefs", "available_filter_functions", func(line string) {
		name, _, _ := strings.Cut(line, " ")
		add(name)
	})
}

// MatchingFunctions returns the names of the functions that ftrace can patch,
// so that they can be hooked, and that match the pattern. The list has several
// tens of thousands; to read it takes tens of milliseconds.
func (o *Offer) MatchingFunctions(pattern *regexp.Regexp) ([]string, error) {
	names := map[string]bool{}
	err := readTraceable(func(name string) {
		if pattern.MatchString(name) {
			names[name] = true
		}
	})
	if isAbsent(err) {
		return nil, &MissingError{Feature: "list of functions", Option: "CONFIG_DYNAMIC_FTRACE", Cause: err}
	}
	if err != nil {
		return nil, err
	}
	for name := range names {
		forbidden, err := o.symbols.forbidden.has(name, readForbidden)
		if err != nil && !isAbsent(err) {
			return nil, err
		}
		if forbidden {
			delete(names, name)
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// readForbidden reads the functions that kprobes may not touch: a range of
// addresses, and a name.
func readForbidden(add func(string)) error {
	return readList("debugfs", "kprobes/blacklist", func(line string) {
		if _, name, ok := strings.Cut(line, "\t"); ok {
			add(name)
		}
	})
}

func readList(kind, path string, line func(string)) error {
	f, err := openIn(kind, path)
	if err != nil {
		return err
	}
	defer f.Close()
	return eachLine(path, f, func(text string) error {
		line(text)
		return nil
	})
}

func eachLine(what string, r io.Reader, line func(string) error) error {
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		if err := line(scanner.Text()); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
