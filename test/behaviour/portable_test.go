// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/test/lab"
)

// TestEveryAttachment shows that a policy means the same however its hooks are attached. An agent for each way to
// attach runs beside the others, all with the policies of a table. Rows that only watch are acted once: all agents
// must tell the same of it, and what the row expects. Rows that enforce are acted for each agent on its own.
//
// Rows whose hooks are attached in one way by all agents are left out. In guests, which are slow, the tables are taken
// in which arguments, returns and actions differ, and with VEDETTE_LONG all of them: what operators make of an
// argument that was read does not depend on where it came from.
func TestEveryAttachment(t *testing.T) {
	p := mustPortability(t)
	wanted, ran := 0, 0
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if ownTests[name] != "" || lab.Emulated() && os.Getenv("VEDETTE_LONG") == "" && !slices.Contains(inGuests, name) {
			continue
		}
		wanted++
		t.Run(name, func(t *testing.T) {
			ran++
			tables[name].mustNeed(t)
			p.table(t, tables[name])
		})
	}
	t.Logf("%d rows compared, %d have one attachment here: %v", p.compared, p.single, p.used)
	if ran == wanted { // not with -run
		p.checkUsed(t)
	}
}

// ownTests are the tables that tests of their own run, and why nothing is to be compared.
var ownTests = map[string]string{
	"changing": "it has no policy of its own; what changes is on the hook of tables that are compared",
	"veteran":  "its actor is older than the agent, of which there is one; its hook is that of other tables",
	"requests": "it tests whom the agent asks, which is done after the event",
}

// inGuests are the tables that guests are given time for.
var inGuests = []string{
	"actions", "descriptors", "enforcers", "fd-install", "hashes", "objects", "probes", "programs", "registers", "resolve",
	"returns", "security-hooks", "socket-functions", "tracepoints", "values",
}

// byNature is what attachments lose where others do not, as the stream tells it, with the reason in docs/kernels.md.
// Nothing else may differ.
var byNature = []string{
	"the kernel skipped programs that were running already", // what happens while a program is preempted
	"the kernel missed returns of functions",                // of kprobe.multi, two for each processor and function
}

// ways are the ways to attach that are compared: the first that a hook can have is taken, then any other. Together
// they have every attachment of every kind of hook.
var ways = [][]hook.Attachment{
	{hook.AttachLSM, hook.AttachFentry, hook.AttachBTFTracepoint, hook.AttachUprobeMulti},
	{hook.AttachFmodRet, hook.AttachKprobeMulti, hook.AttachRawTracepoint, hook.AttachUprobe},
	{hook.AttachKprobe},
	{hook.AttachSysEnter, hook.AttachSysExit, hook.AttachKprobeMulti},
}

// featureOf is what an attachment needs. Those without are on every kernel; the equivalents have something to be
// compared with only where functions can be hooked.
var featureOf = map[hook.Attachment]func() error{
	hook.AttachLSM: offers(kernel.FeatureLSM), hook.AttachFentry: offers(kernel.FeatureFentry),
	hook.AttachFmodRet: offers(kernel.FeatureFmodRet), hook.AttachKprobeMulti: offers(kernel.FeatureKprobeMulti),
	hook.AttachKprobe: offers(kernel.FeatureKprobe), hook.AttachUprobeMulti: offers(kernel.FeatureUprobeMulti),
	hook.AttachUprobe: offers(kernel.FeatureUprobe), hook.AttachBTFTracepoint: offers(kernel.FeatureBTFTracepoint),
	hook.AttachRawTracepoint: offers(kernel.FeatureRawTracepoint),
	hook.AttachSysEnter:      hookableFunctions, hook.AttachSysExit: hookableFunctions,
}

// otherwise is what the other way of the same hooks needs: where a kernel has but one, there is nothing to compare it
// with.
var otherwise = map[hook.Attachment]func() error{hook.AttachUprobe: offers(kernel.FeatureUprobeMulti)}

// portability are agents that attach their hooks in different ways.
type portability struct {
	agents []*rig
	// compared rows had different attachments, single ones had not.
	compared, single int
	// used counts the rows compared by attachment.
	used map[hook.Attachment]int
}

// mustPortability starts an agent for each way that adds an attachment to those before it.
func mustPortability(t *testing.T) *portability {
	t.Helper()
	mustRig(t)
	if err := stopRig(); err != nil { // it attaches as one of the others
		t.Fatal(err)
	}
	p := &portability{used: map[hook.Attachment]int{}}
	seen := map[hook.Attachment]bool{}
	for _, way := range ways {
		adds := false
		for _, a := range way {
			adds = adds || !seen[a] && featureOf[a]() == nil
			seen[a] = true
		}
		if !adds {
			continue
		}
		r, err := newRig(firstOf(way))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.close(); err != nil {
				t.Error(err)
			}
		})
		p.agents = append(p.agents, r)
	}
	return p
}

// firstOf names all attachments, those of a way first.
func firstOf(way []hook.Attachment) []string {
	var out []string
	for _, a := range way {
		out = append(out, string(a))
	}
	for _, name := range hook.AttachmentNames() {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// checkUsed checks that every attachment that the kernel offers was compared.
func (p *portability) checkUsed(tb testing.TB) {
	tb.Helper()
	for a, lacks := range featureOf {
		if other := otherwise[a]; lacks() == nil && (other == nil || other() == nil) && p.used[a] == 0 {
			tb.Errorf("no row was compared that is attached by %s", a)
		}
	}
}

// table compares the rows of a table.
func (p *portability) table(t *testing.T, of *table) {
	var watching, enforcing []int
	for i := range of.rows {
		switch {
		case !of.rows[i].hasWays():
			p.single++
		case of.rows[i].enforces():
			enforcing = append(enforcing, i)
		default:
			watching = append(watching, i)
		}
	}
	if len(watching) > 0 {
		p.together(t, of, watching)
	}
	if len(enforcing) > 0 {
		p.alone(t, of, enforcing)
	}
}

// hasWays reports whether a row's hooks can be attached in more than one way: where functions cannot be hooked, those
// on system calls and their equivalents cannot.
func (r *row) hasWays() bool {
	return hookableFunctions() == nil || slices.ContainsFunc([]string{"uprobes:", "usdts:", "raw: true", "lsmhooks:"}, func(section string) bool {
		return strings.Contains(r.spec, section)
	})
}

// enforces reports whether a row's policy changes what happens, so that two agents would be in each other's way.
func (r *row) enforces() bool {
	return slices.ContainsFunc([]string{"Sigkill", "Signal", "Override", "action: Set", "NotifyEnforcer"}, func(action string) bool {
		return strings.Contains(r.spec, action)
	})
}

// together acts each row once, and compares what the agents tell of it.
func (p *portability) together(t *testing.T, of *table, rows []int) {
	s := of.stage(t, mustDir(t), rows, p.agents...)
	for _, i := range rows {
		t.Run(of.rows[i].name, func(t *testing.T) {
			by := p.attachments(t, of.policyName(i))
			if !p.count(by) {
				return
			}
			p.tryAgain(t, &of.rows[i], p.agents, func() outcome { return p.compare(t, s, of, i, by) })
		})
	}
}

// alone acts rows for each agent, while no other one has their policies, and once for each way to attach.
func (p *portability) alone(t *testing.T, of *table, rows []int) {
	done := map[int][][]string{}
	for n, r := range p.agents {
		t.Run(fmt.Sprintf("alone %d", n+1), func(t *testing.T) {
			s := of.stage(t, mustDir(t), rows, r)
			for _, i := range rows {
				t.Run(of.rows[i].name, func(t *testing.T) {
					by := r.attachments(t, of.policyName(i))
					if slices.ContainsFunc(done[i], func(other []string) bool { return slices.Equal(other, by) }) {
						return
					}
					done[i] = append(done[i], by)
					p.tryAgain(t, &of.rows[i], []*rig{r}, func() outcome { return p.act(t, s, of, i, [][]string{by}, []*rig{r}) })
				})
			}
		})
	}
	for _, i := range rows {
		p.count(done[i])
	}
}

// attachments are how each agent has attached the hooks of a policy.
func (p *portability) attachments(tb testing.TB, policy string) [][]string {
	tb.Helper()
	var out [][]string
	for _, r := range p.agents {
		out = append(out, r.attachments(tb, policy))
	}
	return out
}

// attachments are those of a policy's hooks, in the order of its hooks.
func (r *rig) attachments(tb testing.TB, policy string) []string {
	tb.Helper()
	var out []string
	for _, h := range r.mustPolicy(tb, policy).HookStatuses {
		name, _, _ := strings.Cut(h.VedetteAttachment, " (")
		out = append(out, name)
	}
	return out
}

// count counts a row that is attached in these ways, and reports whether there is something to compare.
func (p *portability) count(by [][]string) bool {
	if !slices.ContainsFunc(by, func(other []string) bool { return !slices.Equal(other, by[0]) }) {
		p.single++
		return false
	}
	p.compared++
	for _, a := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(by...)))) {
		p.used[hook.Attachment(a)]++
	}
	return true
}

// outcome is how what agents tell of a row differs from what it expects, or between them.
type outcome struct {
	actor *process
	diff  string // "" for nothing
	// missing says that nothing was told that is too much.
	missing bool
}

// tries is how often a row is acted of which something was lost by nature each time.
const tries = 3

// tryAgain fails the test where something differs, unless it is missing and the kernel has counted it as lost.
func (p *portability) tryAgain(t *testing.T, r *row, agents []*rig, act func() outcome) {
	t.Helper()
	for try := 1; ; try++ {
		before := lost(agents)
		o := act()
		if o.diff == "" {
			return
		}
		time.Sleep(toldWithin)
		if n := lost(agents) - before; n > 0 && o.missing {
			t.Logf("%d were lost: %s", n, o.diff)
			if r.isEarly() {
				return // its actor is gone
			}
			if try < tries {
				continue
			}
		}
		t.Error(o.diff)
		return
	}
}

// toldWithin is how long it takes until losses are told.
const toldWithin = 3 * time.Second

// lost is how much agents have told as lost by nature.
func lost(agents []*rig) uint64 {
	var sum uint64
	for _, r := range agents {
		r.journal.mu.Lock()
		for _, l := range r.journal.losses {
			if slices.ContainsFunc(byNature, func(cause string) bool { return strings.Contains(l.Cause, cause) }) {
				sum += l.Count
			}
		}
		r.journal.mu.Unlock()
	}
	return sum
}

// compare acts a row, and compares the messages of the agents too.
func (p *portability) compare(t *testing.T, s *stage, of *table, i int, by [][]string) outcome {
	t.Helper()
	o := p.act(t, s, of, i, by, p.agents)
	if o.diff != "" {
		return o
	}
	first := p.agents[0].messages(of.policyName(i), o.actor)
	for n, r := range p.agents {
		if diff := differ(first, r.messages(of.policyName(i), o.actor)); diff != "" {
			o.diff = "messages (- by " + strings.Join(by[0], ", ") + ", + by " + strings.Join(by[n], ", ") + "):\n" + diff
			return o
		}
	}
	return o
}

// differ returns how the messages of two agents differ. There are as many of both.
func differ(a, b []*tetragon.GetEventsResponse) string {
	for i := range a {
		if !proto.Equal(a[i], b[i]) {
			return cmp.Diff(prototext.Format(a[i]), prototext.Format(b[i]))
		}
	}
	return ""
}

// own are the fields that each agent has for itself: when it saw the event and the process begin, what it makes of
// that time and of the address of a socket, and from where in the kernel its program ran.
var own = []protoreflect.Name{"time", "exec_id", "parent_exec_id", "start_time", "cookie", "kernel_stack_trace"}

// clearOwn clears these fields of a message and of those in it.
func clearOwn(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case slices.Contains(own, f.Name()):
			m.Clear(f)
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				clearOwn(v.List().Get(i).Message())
			}
		default:
			clearOwn(v.Message())
		}
		return true
	})
}

// messages are the events of a policy about an actor and its descendants, without what is the agent's own.
func (r *rig) messages(policy string, actor *process) []*tetragon.GetEventsResponse {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	var out []*tetragon.GetEventsResponse
	for _, e := range r.journal.of(policy, actor.pid()) {
		m := proto.CloneOf(e.message)
		clearOwn(m.ProtoReflect())
		out = append(out, m)
	}
	return out
}

// act lets an actor act a row, and compares what agents tell of it with what the row expects.
func (p *portability) act(t *testing.T, s *stage, of *table, i int, by [][]string, agents []*rig) outcome {
	t.Helper()
	row := &of.rows[i]
	o := outcome{actor: s.actors[i], missing: true}
	if o.actor == nil {
		o.actor = mustStart(t, row.start)
	}
	o.actor.mustAct(t, of.rowName(i), s.dir)
	if err := o.actor.end(row.signal); err != nil {
		o.diff = err.Error()
		return o
	}
	want := s.lines(row.want, o.actor)
	for n, r := range agents {
		got := r.events(t, of.policyName(i), o.actor, want)
		if diff := cmp.Diff(want, got); diff != "" {
			o.diff += "events (- expected, + told) by " + strings.Join(by[n], ", ") + ":\n" + diff + r.losses() + "\n"
			o.missing = o.missing && len(got) <= len(want)
		}
	}
	return o
}
