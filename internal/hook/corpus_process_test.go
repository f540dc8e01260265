// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/policy"
)

// processSets is how many sets of policies with filters on the process go
// through the kernel, fewer where VEDETTE_CORPUS_SETS says fewer of all, and processEvents how many events each of their hooks
// gets.
const (
	processSets   = 24
	processEvents = 60
)

// TestKernelAgreesWithNaiveOnProcesses does what TestKernelAgreesWithNaive
// does for filters on the process: what is known of the test's own process is
// changed for each event. Its id, namespaces and capabilities are what they
// are.
func TestKernelAgreesWithNaiveOnProcesses(t *testing.T) {
	base, engine := mustEngine(t, Options{})
	reader, err := ringbuf.NewReader(base.Bulk())
	mustNil(t, err)
	defer reader.Close()
	self := mustSelf(t, base)
	cases, matched := 0, 0
	sets := uint64(processSets)
	if n, err := strconv.Atoi(os.Getenv("VEDETTE_CORPUS_SETS")); err == nil {
		sets = max(1, sets*uint64(n)/corpusSets)
	}
	for seed := uint64(corpusSeeds); seed < corpusSeeds+sets; seed++ {
		set := corpus.NewProcesses(seed)
		plan, err := compile.Compile(set.Input())
		mustNil(t, err)
		for _, h := range plan.Hooks {
			c := &corpusHook{set: set, plan: plan, reader: reader}
			c.load(t, engine, h)
			n, m := c.run(t, processEvents, func(event *naive.Event) { self.pose(t, event, plan, h) })
			cases, matched = cases+n, matched+m
		}
	}
	t.Logf("%d events, %d with a match", cases, matched)
	if matched == 0 || matched == cases {
		t.Errorf("%d of %d events matched: the corpus decides nothing", matched, cases)
	}
}

// self is the test's own process as the kernel side knows it.
type self struct {
	base   *Base
	pid    uint32
	truth  bpf.Process
	cgroup uint64
}

func mustSelf(tb testing.TB, base *Base) *self {
	tb.Helper()
	s := &self{base: base}
	mustNil(tb, base.shared["vd_agent"].Lookup(uint32(0), &s.pid))
	mustNil(tb, base.shared["vd_processes"].Lookup(s.pid, &s.truth))
	hierarchy, err := kernel.OpenCgroups(-1)
	mustNil(tb, err)
	defer hierarchy.Close()
	text, err := os.ReadFile("/proc/self/cgroup")
	mustNil(tb, err)
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			info, err := os.Stat(fmt.Sprintf("/proc/self/fd/%d%s", hierarchy.Fd(), path))
			mustNil(tb, err)
			s.cgroup = info.Sys().(*syscall.Stat_t).Ino
		}
	}
	return s
}

// pose gives the event the facts of the process that cannot be changed, and
// the process the others of the event.
func (s *self) pose(tb testing.TB, event *naive.Event, plan *compile.Plan, h *compile.Hook) {
	tb.Helper()
	for i, arg := range event.Args {
		arg.Failed = false
		event.Args[i] = arg
	}
	p := &event.Process
	p.PID, p.InUserNS = s.pid, s.truth.Flags&uint32(bpf.ContractVdProcessFlagsVD_PROCESS_IN_USERNS) != 0
	for i, kind := range policy.NamespaceNames {
		same := p.OldNamespaces[kind] == p.Namespaces[kind]
		p.Namespaces[kind], p.OldNamespaces[kind] = s.truth.Ns[i], s.truth.Ns[i]
		if !same {
			p.OldNamespaces[kind]++
		}
	}
	for i, kind := range []string{policy.CapabilityTypeEffective, policy.CapabilityTypePermitted, policy.CapabilityTypeInheritable} {
		now := map[int]bool{}
		for n := range 64 {
			if s.truth.Caps[i]>>n&1 != 0 {
				now[n] = true
			}
		}
		old := maps.Clone(now)
		for n := range 64 {
			if p.Capabilities[kind][n] != p.OldCapabilities[kind][n] {
				old[n] = !now[n]
			}
		}
		p.Capabilities[kind], p.OldCapabilities[kind] = now, old
		maps.DeleteFunc(old, func(_ int, has bool) bool { return !has })
	}
	v := corpus.Values(plan, h, event).Process
	row := s.truth
	row.Sets[0], row.Binary[0], row.BinaryEnd[0] = v.Sets, v.Binary, v.BinaryEnd
	row.ParentSets[0], row.ParentBinary[0], row.ParentBinaryEnd[0] = v.ParentSets, v.ParentBinary, v.ParentBinaryEnd
	row.Nspid, row.Caps, row.Ns = v.NSPID, v.OldCaps, v.OldNamespaces
	row.Flags &^= uint32(bpf.ContractVdProcessFlagsVD_PROCESS_IN_PIDNS)
	if v.Flags&compile.FlagInContainerPIDNS != 0 {
		row.Flags |= uint32(bpf.ContractVdProcessFlagsVD_PROCESS_IN_PIDNS)
	}
	mustNil(tb, s.base.shared["vd_processes"].Update(s.pid, row, ebpf.UpdateExist))
	class := bpf.Workload{Classes: [2]uint32{v.Workload}}
	mustNil(tb, s.base.shared["vd_workloads"].Put(s.cgroup, class))
}
