// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/lab"
)

// row is an example with what it must tell of and what not.
type row struct {
	policy string
	// aim are pairs: a value of the example, and what stands in its place in the test.
	aim []string
	// catches are the deeds that it must tell of.
	catches []catch
	// leaves are deeds that come near, and of which it must tell nothing.
	leaves []deed
	// needs returns an error with the name of what the kernel lacks, if not nil.
	needs func() error
}

// catch is a deed with the event that it must lead to.
type catch struct {
	deed deed
	// function is the end of the name of the function, tracepoint or symbol.
	function string
	// values must all be in the event, in any place of it. $PID is the process.
	values []string
}

// catching is a catch.
func catching(d deed, function string, values ...string) catch { return catch{d, function, values} }

// rows are all examples that the tests load together.
func rows(dir string) []row {
	return slices.Concat(syscallRows(dir), processRows(dir), commandRows(dir), networkRows(dir), fileRows(dir),
		privilegeRows(dir), moduleRows(dir), namespaceRows(dir))
}

// TestPolicies loads all examples into one agent, and does for each of them what it must tell of and what it
// must leave alone.
func TestPolicies(t *testing.T) {
	lab.Privileged(t)
	dir := t.TempDir()
	mustWrite(t, dir, "plain", 0o644)
	mustWrite(t, dir, "locked", 0)
	mustWrite(t, dir, "bait", 0o600)
	mustWrite(t, dir, "etc/conf", 0o644)
	mustWrite(t, dir, ".ssh/id_ed25519", 0o600)
	mustWrite(t, dir, ".ssh/known_hosts", 0o600)
	mustWrite(t, dir, "private/file", 0o644)
	mustWrite(t, dir, "profile.d/file", 0o644)
	mustWrite(t, dir, "modules/file.ko", 0o644)
	agent := lab.StartAgent(t)
	var loaded []row
	for _, r := range chosen(rows(dir)) {
		t.Run(r.policy+"/load", func(t *testing.T) {
			if r.mustLoad(t, agent) {
				loaded = append(loaded, r)
			}
		})
	}
	events := agent.Watch()
	done := make(map[string]*doneRow)
	for _, r := range loaded {
		t.Run(r.policy+"/do", func(t *testing.T) { done[r.policy] = r.mustDo(t) })
	}
	events.Settle()
	for _, r := range loaded {
		t.Run(r.policy, func(t *testing.T) {
			if d := done[r.policy]; d != nil {
				r.check(t, d, events)
			}
		})
	}
}

// chosen are the rows to run. Where the processor is emulated, to verify all programs takes too long: without
// VEDETTE_LONG there are those that need what other machines may not have.
func chosen(all []row) []row {
	if !lab.Emulated() || os.Getenv("VEDETTE_LONG") != "" {
		return all
	}
	return slices.DeleteFunc(all, func(r row) bool { return r.needs == nil })
}

// mustLoad loads the policy, and reports whether it is there.
func (r row) mustLoad(t *testing.T, agent *lab.Agent) bool {
	t.Helper()
	if r.needs != nil {
		if err := r.needs(); err != nil {
			t.Skip(err)
		}
	}
	text, err := os.ReadFile(lab.ExamplePolicy(r.policy))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(r.aim); i += 2 {
		if !bytes.Contains(text, []byte(r.aim[i])) {
			t.Fatalf("%s does not have the value %s", r.policy, r.aim[i])
		}
		text = bytes.ReplaceAll(text, []byte(r.aim[i]), []byte(r.aim[i+1]))
	}
	request := &tetragon.AddTracingPolicyRequest{Yaml: string(text)}
	if _, err := agent.Client.AddTracingPolicy(context.Background(), request); err != nil {
		t.Fatal(err)
	}
	return true
}

// doneRow has the processes that did what a row says.
type doneRow struct{ caught, left []uint32 }

func (r row) mustDo(t *testing.T) *doneRow {
	t.Helper()
	d := &doneRow{}
	for _, c := range r.catches {
		d.caught = append(d.caught, c.deed.mustDo(t))
	}
	for _, l := range r.leaves {
		d.left = append(d.left, l.mustDo(t))
	}
	return d
}

func (r row) check(t *testing.T, d *doneRow, events *lab.Events) {
	t.Helper()
	for i, c := range r.catches {
		if told, ok := c.awaitTold(events, r.policy, d.caught[i]); !ok {
			t.Errorf("%v: no event of %s with %q, but %v", c.deed.argv, c.function, c.values, told)
		}
	}
	for i, l := range r.leaves {
		if told := toldOf(events, r.policy, d.left[i]); len(told) > 0 {
			t.Errorf("%v: events %v", l.argv, told)
		}
	}
}

// awaitTold returns what the policy has told of the process, and whether the event of the catch is there. An
// event with a stack can come after younger ones, so it waits for it.
func (c catch) awaitTold(events *lab.Events, policy string, pid uint32) ([]*occurrence, bool) {
	for deadline := time.Now().Add(lab.Patience); ; time.Sleep(50 * time.Millisecond) {
		told := toldOf(events, policy, pid)
		ok := slices.ContainsFunc(told, func(h *occurrence) bool { return c.is(h, pid) })
		if ok || time.Now().After(deadline) {
			return told, ok
		}
	}
}

// occurrence is an event of a policy.
type occurrence struct {
	function string
	values   []string
}

func (h *occurrence) String() string { return fmt.Sprintf("%s%q", h.function, h.values) }

// is reports whether the event is the one of the catch.
func (c catch) is(h *occurrence, pid uint32) bool {
	if !strings.HasSuffix(h.function, c.function) {
		return false
	}
	return !slices.ContainsFunc(c.values, func(v string) bool {
		return !slices.Contains(h.values, strings.ReplaceAll(v, "$PID", strconv.Itoa(int(pid))))
	})
}

// toldOf returns the events of a policy about a process and its children.
func toldOf(events *lab.Events, policy string, pid uint32) []*occurrence {
	var out []*occurrence
	events.All(func(e *lab.Event) bool {
		function, h := hooked(e)
		if h != nil && h.GetPolicyName() == policy && (h.GetProcess().GetPid().GetValue() == pid || h.GetParent().GetPid().GetValue() == pid) {
			out = append(out, &occurrence{function, leaves(h)})
		}
		return false
	})
	return out
}

// hookEventMessage is what all events of hooks have.
type hookEventMessage interface {
	proto.Message
	GetPolicyName() string
	GetProcess() *tetragon.Process
	GetParent() *tetragon.Process
}

// hooked returns the event of a hook and what it hooked, or nil.
func hooked(e *lab.Event) (string, hookEventMessage) {
	switch {
	case e.GetProcessKprobe() != nil:
		return e.GetProcessKprobe().GetFunctionName(), e.GetProcessKprobe()
	case e.GetProcessTracepoint() != nil:
		return e.GetProcessTracepoint().GetEvent(), e.GetProcessTracepoint()
	case e.GetProcessUprobe() != nil:
		return e.GetProcessUprobe().GetSymbol(), e.GetProcessUprobe()
	case e.GetProcessLsm() != nil:
		return e.GetProcessLsm().GetFunctionName(), e.GetProcessLsm()
	}
	return "", nil
}

// leaves are all values of an event but those about processes.
func leaves(m proto.Message) []string {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return []string{err.Error()}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return []string{err.Error()}
	}
	delete(fields, "process")
	delete(fields, "parent")
	delete(fields, "ancestors")
	return appendLeaves(nil, fields)
}

func appendLeaves(out []string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			out = appendLeaves(out, e)
		}
	case []any:
		for _, e := range v {
			out = appendLeaves(out, e)
		}
	default:
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// systemCall says that the kernel must have a system call.
func systemCall(name string, number uintptr) func() error {
	return func() error {
		// The arguments are such that no call does anything with them.
		none := ^uintptr(0)
		if _, _, errno := unix.RawSyscall(number, none, none, none); errno == unix.ENOSYS {
			return &kernel.MissingError{Feature: "the system call " + name}
		}
		return nil
	}
}

// offersCompatCalls says whether the kernel has calls for 32-bit programs.
func offersCompatCalls() error {
	if has, err := kernel.Offered().HasSymbol("do_fast_syscall_32"); err != nil || !has {
		return &kernel.MissingError{Feature: "32-bit system calls", Option: "CONFIG_IA32_EMULATION", Cause: err}
	}
	return nil
}

// offers says that the kernel must offer one of the features.
func offers(features ...kernel.Feature) func() error {
	return func() error {
		var err error
		for _, f := range features {
			if err = kernel.Offered().Check(f); err == nil {
				return nil
			}
		}
		return err
	}
}

// refusals is what Override needs.
var refusals = offers(kernel.FeatureFmodRet, kernel.FeatureLSM)

// functions is what hooks on functions of the kernel need.
var functions = offers(kernel.FeatureFentry, kernel.FeatureKprobe)

// tracepoint says that the kernel must have a tracepoint.
func tracepoint(subsystem, event string) func() error {
	return func() error {
		fs, err := kernel.OpenTracefs()
		if err != nil {
			return err
		}
		defer fs.Close()
		_, err = fs.Format(subsystem, event)
		return err
	}
}
