// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/record"
)

// manyFunctions is how many functions the list of the tests has at least.
const manyFunctions = 200

// mustMulti is mustEngine on a kernel with kprobe_multi.
func mustMulti(tb testing.TB) (*Base, *Engine) {
	tb.Helper()
	base, e := mustEngine(tb, Options{})
	for _, f := range []kernel.Feature{kernel.FeatureKprobeMulti, kernel.FeatureKretprobeMulti} {
		if err := kernel.Offered().Check(f); err != nil {
			tb.Skip(err)
		}
	}
	return base, e
}

// mustFunctions are the kernel's functions that ask the LSMs: many that can be
// hooked and are called neither in interrupts nor all the time.
func mustFunctions(tb testing.TB) []string {
	tb.Helper()
	f, err := os.Open("/proc/kallsyms")
	mustNil(tb, err)
	defer f.Close()
	var names []string
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		name := fields[2]
		if !strings.HasPrefix(name, securityPrefix) || strings.Contains(name, ".") || strings.ToLower(fields[1]) != "t" {
			continue
		}
		if _, err := kernel.Offered().Function(name); err == nil && kernel.Offered().CheckKprobeMulti(name) == nil {
			names = append(names, name)
		}
	}
	mustNil(tb, scanner.Err())
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) < manyFunctions {
		tb.Fatalf("%d functions, want %d", len(names), manyFunctions)
	}
	return names
}

// ours selects what this process does.
func ours(actions string) string {
	return fmt.Sprintf("    selectors: [{matchPIDs: [{operator: In, followForks: true, values: [%d]}], matchActions: [%s]}]\n", os.Getpid(), actions)
}

// returned asks for the return of a function.
const returned = "    return: true\n    returnArg: {index: 0, type: int}\n"

// listPolicy is a policy on all functions of a list, whose entry has what is given.
func listPolicy(functions []string, entry string) string {
	return policyOf("  lists: [{name: many, values: [" + strings.Join(functions, ", ") + "]}]\n" +
		"  kprobes:\n  - call: \"list:many\"\n    syscall: false\n" + entry)
}

// onePolicy is a policy on one function.
func onePolicy(function string) string {
	return policyOf("  kprobes:\n  - call: " + function + "\n    syscall: false\n" + ours("{action: Post}"))
}

// seen is how often records of the hooks came, by the functions' names and
// their phase.
type seen map[seenKey]int

type seenKey struct {
	function string
	phase    uint8
}

const (
	phaseEntry  = uint8(bpf.ContractVdHookPhaseVD_PHASE_ENTRY)
	phaseAwaits = uint8(bpf.ContractVdHookPhaseVD_PHASE_ENTRY_AWAITS_RETURN)
	phaseReturn = uint8(bpf.ContractVdHookPhaseVD_PHASE_RETURN)
)

// mustRead reads all records that are there.
func mustRead(tb testing.TB, reader *ringbuf.Reader, loaded []Loaded) seen {
	tb.Helper()
	functions := map[[2]uint32]string{}
	for _, l := range loaded {
		functions[[2]uint32{l.ID, l.Generation}] = l.Hook.Groups[0].FunctionName
	}
	reader.SetDeadline(time.Unix(1, 0)) // do not wait
	out := seen{}
	var decoder record.Decoder
	for {
		raw, err := reader.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return out
		}
		mustNil(tb, err)
		var r record.Record
		mustNil(tb, decoder.Decode(raw.RawSample, &r))
		if r.Type == record.TypeHook {
			out[seenKey{functions[[2]uint32{r.Hook.Hook, r.Hook.Generation}], r.Hook.Phase}]++
		}
	}
}

func mustReader(tb testing.TB, base *Base) *ringbuf.Reader {
	tb.Helper()
	reader, err := ringbuf.NewReader(base.Bulk())
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, reader.Close()) })
	return reader
}

// checkMulti compares what the hooks at kprobe_multi have.
func checkMulti(tb testing.TB, e *Engine, links, programs int) {
	tb.Helper()
	if len(e.multi.links) != links || len(e.users()) != programs {
		tb.Errorf("%d links and %d programs, want %d and %d", len(e.multi.links), len(e.users()), links, programs)
	}
	if n := kernelPrograms(tb, progKprobe); n != programs {
		tb.Errorf("the kernel has %d programs %s, want %d", n, progKprobe, programs)
	}
	var sum uint64
	for _, n := range e.MemoryBytes() {
		sum += n
	}
	if want := e.multi.memoryBytes(); programs != 0 && (sum < want || sum > want+uint64(programs)<<20) {
		tb.Errorf("the hooks have %d bytes, the dispatchers alone %d", sum, want)
	}
}

// kernelPrograms is how many programs of a name the kernel has. It forgets
// them a moment after they are closed.
func kernelPrograms(tb testing.TB, name string) int {
	tb.Helper()
	n := 0
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return n
		}
		mustNil(tb, err)
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		mustNil(tb, err)
		info, err := p.Info()
		mustNil(tb, err)
		if info.Name == name {
			n++
		}
		mustNil(tb, p.Close())
	}
}

// openFunction and setFunction are called once each for every cut of a file.
const (
	openFunction = "security_file_open"
	setFunction  = "security_inode_setattr"
)

// mustSee cuts a file, and compares what the functions have seen of it.
func mustSee(t *testing.T, reader *ringbuf.Reader, loaded []Loaded, want seen) {
	t.Helper()
	path := buildText(t)
	mustRead(t, reader, loaded)
	cutText(t, path)
	got := mustRead(t, reader, loaded)
	for _, function := range []string{openFunction, setFunction} {
		for _, phase := range []uint8{phaseEntry, phaseAwaits, phaseReturn} {
			key := seenKey{function, phase}
			if got[key] != want[key] {
				t.Errorf("%s, phase %d: %d records, want %d", function, phase, got[key], want[key])
			}
		}
	}
	for key, n := range got {
		if key.function == "" {
			t.Errorf("%d records of no hook of the plan", n)
		}
	}
}

func checkAttachment(t *testing.T, loaded []Loaded, want Attachment) {
	t.Helper()
	for _, l := range loaded {
		if l.Attachment != want {
			t.Errorf("%s is attached by %s, want %s", l.Hook.Key.Name, l.Attachment, want)
		}
	}
}

// TestMulti follows a list of many functions through changes of policies.
func TestMulti(t *testing.T) {
	base, e := mustMulti(t)
	reader := mustReader(t, base)
	functions := mustFunctions(t)
	many, one := listPolicy(functions, ours("{action: Post}")), onePolicy(openFunction)
	both := seen{{openFunction, phaseEntry}: cuts, {setFunction, phaseEntry}: cuts}

	begin := time.Now()
	loaded := mustApply(t, e, mustPlan(t, many))
	t.Logf("%d functions in %v", len(loaded), time.Since(begin).Round(time.Millisecond))
	checkAttachment(t, loaded, AttachKprobeMulti)
	checkMulti(t, e, 1, 1)
	mustSee(t, reader, loaded, both)
	before := generations(loaded)

	// A policy on one of the functions: that one gets a program of its own.
	loaded = mustApply(t, e, mustPlan(t, many, one))
	checkAttachment(t, loaded, AttachKprobeMulti)
	checkMulti(t, e, 1, 2)
	for key, g := range generations(loaded) {
		if changed := g != before[key]; changed != (key.Name == openFunction) {
			t.Errorf("%s: exchanged %v", key.Name, changed)
		}
	}
	mustSee(t, reader, loaded, both)

	// Without it, the function comes back to the program of the others.
	loaded = mustApply(t, e, mustPlan(t, many))
	checkMulti(t, e, 1, 1)
	for key, g := range generations(loaded) {
		if g != before[key] {
			t.Errorf("%s: another generation", key.Name)
		}
	}
	mustSee(t, reader, loaded, both)

	// Other rules of the same shape: the program stays.
	program := e.hooks[loaded[0].Hook.Key].program
	loaded = mustApply(t, e, mustPlan(t, listPolicy(functions, ours("{action: NoPost}"))))
	checkMulti(t, e, 1, 1)
	if e.hooks[loaded[0].Hook.Key].program != program {
		t.Error("the program was loaded again")
	}
	mustSee(t, reader, loaded, seen{})

	// The list goes, a policy on one function stays: the link stays with it,
	// and functions of the list are found attached when it comes back.
	mustApply(t, e, mustPlan(t, many, one))
	loaded = mustApply(t, e, mustPlan(t, one))
	checkMulti(t, e, 1, 1)
	mustSee(t, reader, loaded, seen{{openFunction, phaseEntry}: cuts})
	loaded = mustApply(t, e, mustPlan(t, many, one))
	checkMulti(t, e, 1, 2)
	mustSee(t, reader, loaded, both)

	mustApply(t, e, &compile.Plan{})
	if len(e.multi.links) != 0 || e.multi.coll != nil || len(e.ids) != 0 {
		t.Errorf("%d links and %d numbers are left of an empty plan", len(e.multi.links), len(e.ids))
	}
}

// TestMultiReturns has returns of functions and of system calls lead to one
// program each.
func TestMultiReturns(t *testing.T) {
	base, e := mustMulti(t)
	reader := mustReader(t, base)
	functions := mustFunctions(t)
	entries := listPolicy(functions, ours("{action: Post}"))
	returns := listPolicy(functions, returned+ours("{action: Post}"))
	want := seen{
		{openFunction, phaseAwaits}: cuts, {openFunction, phaseReturn}: cuts,
		{setFunction, phaseAwaits}: cuts, {setFunction, phaseReturn}: cuts,
	}
	mustApply(t, e, mustPlan(t, entries))
	checkMulti(t, e, 1, 1)
	// The same functions, and now also what they return.
	loaded := mustApply(t, e, mustPlan(t, returns))
	checkAttachment(t, loaded, AttachKprobeMulti)
	checkMulti(t, e, 2, 1)
	mustSee(t, reader, loaded, want)
	// One function leaves and comes back.
	loaded = mustApply(t, e, mustPlan(t, returns, onePolicy(openFunction)))
	checkMulti(t, e, 2, 2)
	want[seenKey{openFunction, phaseEntry}] = cuts
	mustSee(t, reader, loaded, want)
	delete(want, seenKey{openFunction, phaseEntry})
	loaded = mustApply(t, e, mustPlan(t, returns))
	checkMulti(t, e, 2, 1)
	mustSee(t, reader, loaded, want)
	// The returns that programs await they get until the plan after the one that gave them up.
	mustApply(t, e, &compile.Plan{})
	// The dispatchers are others when the first hook comes back.
	loaded = mustApply(t, e, mustPlan(t, returns))
	mustSee(t, reader, loaded, want)
	mustApply(t, e, &compile.Plan{})
	mustApply(t, e, &compile.Plan{})
	if len(e.multi.slots) != 0 || len(e.multi.retired) != 0 {
		t.Errorf("%d slots of returns are left", len(e.multi.slots))
	}
}

// rareCalls are system calls that a test's process makes only where it wants to.
var rareCalls = []string{
	"sys_ftruncate", "sys_truncate", "sys_mkdir", "sys_rmdir", "sys_symlink", "sys_mknod", "sys_chroot", "sys_acct", "sys_swapon",
	"sys_swapoff", "sys_pivot_root",
}

// TestMultiCalls has many system calls share one program.
func TestMultiCalls(t *testing.T) {
	base, e := mustMulti(t)
	reader := mustReader(t, base)
	loaded := mustApply(t, e, mustPlan(t, policyOf(
		"  lists: [{name: calls, type: syscalls, values: ["+strings.Join(rareCalls, ", ")+"]}]\n  kprobes:\n  - call: \"list:calls\"\n"+
			returned+ours("{action: Post}"))))
	checkAttachment(t, loaded, AttachKprobeMulti)
	checkMulti(t, e, 2, 1)
	path := filepath.Join(t.TempDir(), "made")
	mustRead(t, reader, loaded)
	cutText(t, buildText(t))
	mustNil(t, os.Symlink("x", path)) // symlinkat
	if err := os.Truncate(path+"0", 0); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	got := mustRead(t, reader, loaded)
	call := func(name string) string { return "__" + e.abi.Name + "_" + name }
	for key, want := range map[seenKey]int{
		{call("sys_ftruncate"), phaseAwaits}: cuts, {call("sys_ftruncate"), phaseReturn}: cuts,
		{call("sys_truncate"), phaseAwaits}: 1, {call("sys_truncate"), phaseReturn}: 1,
		{call("sys_symlink"), phaseAwaits}: 0,
	} {
		if got[key] != want {
			t.Errorf("%s, phase %d: %d records, want %d", key.function, key.phase, got[key], want)
		}
	}
	counters, err := e.Counters()
	mustNil(t, err)
	key := RuleKey{Policy: "policy0", Hook: compile.HookKey{Kind: compile.HookSyscall, Name: "list:calls"}, Section: "kprobes"}
	if n := counters[key].Post; len(counters) != 1 || n != cuts+1 {
		t.Errorf("%d events counted, want %d: %v", n, cuts+1, counters)
	}
}

// TestMultiChangesWithoutGap counts what a function sees while its program
// changes all the time: all of it, once.
func TestMultiChangesWithoutGap(t *testing.T) {
	_, e := mustMulti(t)
	functions := []string{setFunction}
	for _, op := range []string{"mkdir", "rmdir", "link", "symlink", "mknod", "rename", "readlink", "unlink"} {
		functions = append(functions, "security_inode_"+op)
	}
	many, one := listPolicy(functions, ours("{action: Post}")), onePolicy(setFunction)
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	mustNil(t, err)
	defer file.Close()
	checkAttachment(t, mustApply(t, e, mustPlan(t, many)), AttachKprobeMulti)
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				done <- n
				return
			default:
			}
			if err := file.Truncate(0); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 10 {
		mustApply(t, e, mustPlan(t, many, one))
		mustApply(t, e, mustPlan(t, many))
	}
	close(stop)
	want := <-done
	counters, err := e.Counters()
	mustNil(t, err)
	kernelCounters, err := e.KernelCounters()
	mustNil(t, err)
	got := counters[RuleKey{Policy: "policy0", Hook: compile.HookKey{Kind: compile.HookFunction, Name: "list:many"}, Section: "kprobes"}].Post
	skipped := kernelCounters[bpf.ContractVdCounterVD_COUNT_SKIPPED].Count + kernelCounters[bpf.ContractVdCounterVD_COUNT_RETURN_MISSED].Count
	if got > want || got+skipped < want {
		t.Errorf("%d of %d calls were seen, %d skipped", got, want, skipped)
	}
}

// forbidden is a function of every kernel in which no probe is allowed.
const forbidden = "irqentry_enter"

// TestMultiNamesTheFunction has one function of a list that cannot be hooked.
func TestMultiNamesTheFunction(t *testing.T) {
	_, e := mustMulti(t)
	before := mustApply(t, e, mustPlan(t, onePolicy(setFunction)))
	functions := append(mustFunctions(t)[:20], forbidden)
	err := e.Apply(mustPlan(t, listPolicy(functions, ours("{action: Post}"))), []string{"p"}, func([]Loaded) { t.Error("announced") })
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("hook %q", forbidden)) || !strings.Contains(err.Error(), string(AttachKprobeMulti)) {
		t.Fatalf("error %v", err)
	}
	if len(e.multi.links) != 0 || len(e.hooks) != len(before) || len(e.ids) != len(before) {
		t.Errorf("%d links, %d hooks and %d numbers are left", len(e.multi.links), len(e.hooks), len(e.ids))
	}
}

// TestMultiSearch looks for the functions at fault of which the kernel's lists
// say nothing.
func TestMultiSearch(t *testing.T) {
	_, e := mustMulti(t)
	functions := append(mustFunctions(t)[:20], "no_such_function", forbidden)
	var changes []*change
	for i, name := range functions {
		p := place{attachment: AttachKprobeMulti, function: name}
		h := &compile.Hook{Key: compile.HookKey{Kind: compile.HookFunction, Name: name}}
		changes = append(changes, &change{next: &installed{hook: h, id: uint32(i + 1), place: p}})
	}
	failed := map[*change]error{}
	e.multi.search(changes, false, failed)
	var names []string
	for c := range failed {
		names = append(names, c.next.place.function)
	}
	slices.Sort(names)
	if want := []string{forbidden, "no_such_function"}; !slices.Equal(names, want) {
		t.Errorf("%v are at fault, want %v", names, want)
	}
	clear(failed)
	e.multi.attach(changes, false, failed)
	if len(failed) != 2 || len(e.multi.links) != 1 || len(e.multi.links[0].hooks) != 20 {
		t.Errorf("%d functions failed, %d links", len(failed), len(e.multi.links))
	}
	mustNil(t, e.multi.closeUnused(nil))
}

// TestMultiPreference looks at how hooks of lists are attached.
func TestMultiPreference(t *testing.T) {
	_, e := mustMulti(t)
	few := []string{"vfs_mkdir", "vfs_rmdir", "vfs_link", "vfs_symlink", "vfs_mknod", "vfs_rename", "vfs_readlink", "vfs_unlink"}
	many := append(slices.Clone(few), "vfs_fsync")
	option := func(policy string) string {
		return strings.Replace(policy, "spec:\n", "spec:\n  options: [{name: disable-kprobe-multi, value: \"true\"}]\n", 1)
	}
	post := ours("{action: Post}")
	killing := AttachFentry
	if kernel.Offered().Preempts() {
		killing = AttachKprobe
	}
	for _, c := range []struct {
		name     string
		policies []string
		want     Attachment
	}{
		{"few", []string{listPolicy(few, post)}, AttachFentry},
		{"many", []string{listPolicy(many, post)}, AttachKprobeMulti},
		{"many that kill", []string{listPolicy(many, ours("{action: Sigkill}"))}, killing},
		{"many, not wanted", []string{option(listPolicy(many, post))}, AttachFentry},
		{"many, one of two policies does not want it", []string{listPolicy(many, post), option(listPolicy(many, post))}, AttachFentry},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkAttachment(t, mustApply(t, e, mustPlan(t, c.policies...)), c.want)
			mustApply(t, e, &compile.Plan{})
		})
	}
	t.Run("stays", func(t *testing.T) {
		checkAttachment(t, mustApply(t, e, mustPlan(t, listPolicy(few, post))), AttachFentry)
		for _, l := range mustApply(t, e, mustPlan(t, listPolicy(many, post))) {
			if want := slices.Contains(few, l.Hook.Key.Name); want != (l.Attachment == AttachFentry) {
				t.Errorf("%s is attached by %s", l.Hook.Key.Name, l.Attachment)
			}
		}
		mustApply(t, e, &compile.Plan{})
	})
}

// TestManyWithoutMulti attaches a list also where the kernel has no kprobe_multi.
func TestManyWithoutMulti(t *testing.T) {
	base, e := mustEngine(t, Options{})
	want := AttachKprobeMulti
	if err := kernel.Offered().Check(kernel.FeatureKprobeMulti); err != nil {
		want = AttachFentry
	}
	if err := kernel.Offered().Check(kernel.FeatureFentry); err != nil {
		t.Skip(err)
	}
	reader := mustReader(t, base)
	functions := []string{"vfs_mkdir", "vfs_rmdir", "vfs_link", "vfs_symlink", "vfs_mknod", "vfs_rename", "vfs_readlink", "vfs_unlink", "vfs_fsync"}
	loaded := mustApply(t, e, mustPlan(t, listPolicy(functions, ours("{action: Post}"))))
	checkAttachment(t, loaded, want)
	dir := t.TempDir()
	mustRead(t, reader, loaded)
	mustNil(t, os.Symlink("x", filepath.Join(dir, "link")))
	mustNil(t, os.Remove(filepath.Join(dir, "link")))
	got := mustRead(t, reader, loaded)
	if want := (seen{{"vfs_symlink", phaseEntry}: 1, {"vfs_unlink", phaseEntry}: 1}); !maps.Equal(got, want) {
		t.Errorf("seen %v, want %v", got, want)
	}
}

// TestUprobeMultiNotWanted has a policy that does not want uprobe_multi.
func TestUprobeMultiNotWanted(t *testing.T) {
	_, e := mustEngine(t, Options{})
	path := buildProgram(t)
	for value, want := range map[string]Attachment{"true": AttachUprobe, "false": AttachUprobeMulti} {
		if want == AttachUprobeMulti && kernel.Offered().Check(kernel.FeatureUprobeMulti) != nil {
			continue
		}
		loaded := mustApply(t, e, mustPlan(t, policyOf("  options: [{name: disable-uprobe-multi, value: \""+value+"\"}]\n"+
			"  uprobes:\n  - path: "+path+"\n    symbols: [greet]\n"+greetArgs)))
		checkAttachment(t, loaded, want)
		mustApply(t, e, &compile.Plan{})
	}
}

// TestTooManyHooks refuses a plan that does not fit.
func TestTooManyHooks(t *testing.T) {
	_, e := mustEngine(t, Options{})
	plan := &compile.Plan{Hooks: make([]*compile.Hook, maxHooks)}
	err := e.Apply(plan, nil, func([]Loaded) { t.Error("announced") })
	if want := fmt.Sprintf("%d hooks, the limit is %d", maxHooks, maxHooks-1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// BenchmarkList puts a policy on all functions of a list into force and out
// of it again, and tells what the kernel holds for it.
func BenchmarkList(b *testing.B) {
	_, e := mustMulti(b)
	functions := mustFunctions(b)
	plan, none := mustPlan(b, listPolicy(functions, ours("{action: Post}"))), &compile.Plan{}
	for b.Loop() {
		loaded := mustApply(b, e, plan)
		b.StopTimer()
		var sum uint64
		for _, n := range e.MemoryBytes() {
			sum += n
		}
		b.ReportMetric(float64(len(loaded)), "functions")
		b.ReportMetric(float64(sum), "bytes-kernel")
		b.StartTimer()
		mustApply(b, e, none)
	}
}
