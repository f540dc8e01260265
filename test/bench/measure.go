// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// bench measures in the guest.
type bench struct {
	vedette, load, hookTest string
	// only are the parts to measure, all where it is empty.
	only string
	// file is what the loops read.
	file string
	// progress gets a line for each figure.
	progress io.Writer
	result   result
}

// The rounds of the loops. With an exact clock few are enough.
const (
	execRounds = 400
	readRounds = 20000
	// settle is how long the agent has for what it does after a start, and
	// for the rest of the events of a loop.
	settle = 500 * time.Millisecond
)

func (b *bench) put(name string, value float64) {
	b.result.Figures[name] = value
	fmt.Fprintf(b.progress, "%-40s %14.3f\n", name, value)
}

// repeats is how often a loop is run: the fastest is taken, as everything
// that any CPU does at the time counts.
const repeats = 2

// loop runs a loop and returns the nanoseconds that one round takes.
func (b *bench) loop(mode string, rounds int) (float64, error) {
	fastest := math.Inf(1)
	for range repeats {
		n, err := b.once(mode, rounds)
		if err != nil {
			return 0, err
		}
		fastest = min(fastest, n)
	}
	return fastest, nil
}

func (b *bench) once(mode string, rounds int) (float64, error) {
	out, err := exec.Command(b.load, mode, strconv.Itoa(rounds), b.file).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("load %s: %w: %s", mode, err, out)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// counted returns what programs cost for a round of a loop: the least of
// several times, as what wakes the agent is counted with what it interrupts.
func (b *bench) counted(mode string, rounds int) (runs, float64, error) {
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return nil, 0, fmt.Errorf("statistics: %w", err)
	}
	defer stats.Close()
	var least runs
	cheapest := math.Inf(1)
	for range repeats {
		cost, total, err := b.countedOnce(mode, rounds)
		if err != nil {
			return nil, 0, err
		}
		if total < cheapest {
			least, cheapest = cost, total
		}
	}
	return least, cheapest, nil
}

// countedOnce runs a loop twice, with double the rounds the second time: all
// but the programs falls out.
func (b *bench) countedOnce(mode string, rounds int) (runs, float64, error) {
	var cost [2]runs
	for i := range cost {
		before, err := readRuns()
		if err != nil {
			return nil, 0, err
		}
		if _, err := b.once(mode, rounds*(i+1)); err != nil {
			return nil, 0, err
		}
		after, err := readRuns()
		if err != nil {
			return nil, 0, err
		}
		cost[i] = after.since(before)
	}
	d := cost[1].since(cost[0])
	return d, float64(d.total()) / float64(rounds), nil
}

// measure takes all figures.
func (b *bench) measure() error {
	if err := b.prepare(); err != nil {
		return err
	}
	if b.wanted("process") {
		base, err := b.unwatched()
		if err != nil {
			return err
		}
		if err := errors.Join(b.processes("watched", base), b.processes("exported", base, "--export-filename", "/tmp/events.json")); err != nil {
			return err
		}
	}
	if b.wanted("costs") {
		if err := b.costs(); err != nil {
			return err
		}
	}
	return b.hooks()
}

// unwatched measures the loops on a machine without an agent.
func (b *bench) unwatched() (map[string]float64, error) {
	base := map[string]float64{}
	for mode, rounds := range map[string]int{"fork": execRounds, "exec": execRounds, "pread": readRounds, "open": readRounds, "getppid": readRounds} {
		n, err := b.loop(mode, rounds)
		if err != nil {
			return nil, err
		}
		base[mode] = n
		b.put("loop/"+mode, n)
	}
	return base, nil
}

// wanted reports whether a part is to be measured.
func (b *bench) wanted(part string) bool {
	return b.only == "" || slices.Contains(strings.Split(b.only, ","), part)
}

// prepare makes the file that the loops read.
func (b *bench) prepare() error {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err
	}
	b.result.Kernel = unix.ByteSliceToString(name.Release[:])
	dir := "/data" // two components, as short as paths of files are
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b.file = filepath.Join(dir, "file")
	return os.WriteFile(b.file, []byte("content"), 0o600)
}

// processes measures what watching processes costs.
func (b *bench) processes(name string, base map[string]float64, args ...string) error {
	began := time.Now()
	a, err := startAgent(b.vedette, args...)
	if err != nil {
		return err
	}
	b.put(name+"/start", float64(time.Since(began)))
	time.Sleep(settle)
	return errors.Join(b.processFigures(name, base), a.stop())
}

func (b *bench) processFigures(name string, base map[string]float64) error {
	mem, err := readMemory()
	if err != nil {
		return err
	}
	mem = mem.ours()
	b.put(name+"/memory", float64(mem.total()))
	for what, n := range mem {
		fmt.Fprintf(b.progress, "    %-40s %10d\n", what, n)
	}
	for _, mode := range []string{"fork", "exec"} {
		n, err := b.loop(mode, execRounds)
		if err != nil {
			return err
		}
		b.put(name+"/"+mode+"/loop", n)
		b.put(name+"/"+mode+"/ratio", n/base[mode])
		time.Sleep(settle)
	}
	return b.execFigures(name)
}

// execTries is how often the programs of fork, exec and exit are counted. An
// interrupt that falls into a program is counted as its own, and how many do
// differs from run to run: the least is nearest to what they cost.
const execTries = 3

func (b *bench) execFigures(name string) error {
	least := math.Inf(1)
	for range execTries {
		cost, total, err := b.counted("exec", execRounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.progress, "    %-40s %10.0f\n", name+"/exec/bpf, one try", total)
		if total >= least {
			continue
		}
		least = total
		b.put(name+"/exec/bpf", total)
		for p, r := range cost {
			b.put(name+"/exec/bpf/"+p, float64(r.time)/execRounds)
		}
	}
	return nil
}

// hooks measures what a policy costs a call that no rule matches, for each
// kind of hook.
func (b *bench) hooks() error {
	for _, k := range hookKinds {
		if !b.wanted(k.name) {
			continue
		}
		if err := b.hook(k); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}

// sizes are the numbers of policies that are measured, each on top of those
// before, and how many rules each of the new ones has. Together they have 1,
// 10, 200 and 1,000 rules.
var sizes = []struct{ policies, rules int }{{1, 1}, {10, 1}, {200, 1}, {360, 5}}

func (b *bench) hook(k hookKind) error {
	empty, err := k.empty()
	if err != nil {
		return fmt.Errorf("empty program: %w", err)
	}
	n, err := b.loop("pread", readRounds)
	if err := errors.Join(err, empty.Close()); err != nil {
		return err
	}
	b.put(k.name+"/empty/loop", n)
	var args []string
	if k.attach != "" {
		args = []string{"--attach", k.attach}
	}
	a, err := startAgent(b.vedette, args...)
	if err != nil {
		return err
	}
	time.Sleep(settle)
	return errors.Join(b.loading(k, a), b.rules(k, a, n), a.stop())
}

// loading measures a policy on a fresh hook, and changes of its tables.
func (b *bench) loading(k hookKind, a *agent) error {
	fresh, err := a.add(k.policies(0, 1, 1))
	if err != nil {
		return err
	}
	b.put(k.name+"/load/fresh", fresh)
	time.Sleep(settle)
	change, err := a.add(k.policies(1, 1, 1))
	if err != nil {
		return err
	}
	b.put(k.name+"/load/change", change)
	return errors.Join(a.remove(policyName(0)), a.remove(policyName(1)))
}

func (b *bench) rules(k hookKind, a *agent, empty float64) error {
	have, before := 0, 0.0
	sizes := sizes
	if k.attach != "" {
		sizes = sizes[:1] // the rest is the same code
	}
	for _, size := range sizes {
		if _, err := a.add(k.policies(have, size.policies-have, size.rules)); err != nil {
			return err
		}
		added := size.policies - have
		have = size.policies
		time.Sleep(settle)
		name := fmt.Sprintf("%s/%d", k.name, size.policies)
		mem, err := readMemory()
		if err != nil {
			return err
		}
		held := float64(mem.ours().total())
		b.put(name+"/memory", held)
		if before != 0 {
			b.put(name+"/memory-per-policy", (held-before)/float64(added))
		}
		before = held
		if err := b.unmatched(name, empty); err != nil {
			return err
		}
		// The loop is exact; the time of programs has what other processes do in it.
		b.put(name+"/ratio", b.result.Figures[name+"/loop"]/b.result.Figures[k.name+"/1/loop"])
	}
	return nil
}

// unmatched measures reads that no rule matches.
func (b *bench) unmatched(name string, empty float64) error {
	n, err := b.loop("pread", readRounds)
	if err != nil {
		return err
	}
	b.put(name+"/loop", n-empty)
	_, total, err := b.counted("pread", readRounds)
	if err != nil {
		return err
	}
	b.put(name+"/bpf", total)
	return nil
}
