// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// row is one promise of the policy language.
type row struct {
	name string
	// spec is the policy below "spec:". $DIR is the table's directory, $PID the actor's process id, and what
	// vars has.
	spec string
	// act is what the actor does.
	act func(*actor)
	// want are the events of the policy about the actor and its descendants, whose lines begin with "child: ".
	// Lines have $DIR and the like.
	want []string
	// signal is what ends the actor; 0 means that it ends by itself, successfully.
	signal syscall.Signal
	// early starts the actor before the policy is loaded; so does $PID in the policy.
	early bool
	// start, if not nil, changes how the actor is started.
	start func(*launch)
}

// table is a group of rows whose policies are in force together.
type table struct {
	name string
	rows []row
	// vars gives what else rows name with a dollar.
	vars func(tb testing.TB, dir string) map[string]string
	// needs says what the kernel lacks for the rows, nil for nothing.
	needs func() error
}

// tables are all tables by name: an actor finds its row there.
var tables = map[string]*table{}

func register(t table) *table {
	tables[t.name] = &t
	return &t
}

// findRow returns the row of an actor.
func findRow(name string) *row {
	tableName, number, _ := strings.Cut(name, "/")
	i, err := strconv.Atoi(number)
	t := tables[tableName]
	if err != nil || t == nil || i < 0 || i >= len(t.rows) {
		return nil
	}
	return &t.rows[i]
}

// rowName is how an actor finds a row.
func (t *table) rowName(i int) string { return fmt.Sprintf("%s/%d", t.name, i) }

// policyName is the name of a row's policy.
func (t *table) policyName(i int) string { return t.name + "-" + strconv.Itoa(i) }

// document is a policy around a spec.
func document(name, spec string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: " + name + "\nspec:\n" + indented(spec)
}

// indented shifts the lines of a spec below "spec:".
func indented(spec string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(spec, "\n") + "\n") {
		b.WriteString("  " + line)
	}
	return b.String()
}

// run loads all policies of the table, lets the actors act one after the other, and compares.
func (t *table) run(tt *testing.T) {
	r := mustRig(tt)
	t.mustNeed(tt)
	all := make([]int, len(t.rows))
	for i := range all {
		all[i] = i
	}
	s := t.stage(tt, mustDir(tt), all, r)
	for i := range t.rows {
		tt.Run(t.rows[i].name, func(tt *testing.T) { s.check(tt, t, i) })
	}
}

// mustNeed skips the test where the kernel lacks what the table needs.
func (t *table) mustNeed(tb testing.TB) {
	tb.Helper()
	if t.needs == nil {
		return
	}
	if err := t.needs(); err != nil {
		tb.Skip(err)
	}
}

// stage loads the policies of some rows into agents. The first is the stage's own.
func (t *table) stage(tb testing.TB, dir string, rows []int, agents ...*rig) *stage {
	tb.Helper()
	s := &stage{rig: agents[0], dir: dir, actors: make([]*process, len(t.rows))}
	if t.vars != nil {
		s.vars = t.vars(tb, dir)
	}
	var documents, names []string
	for _, i := range rows {
		row := &t.rows[i]
		if row.isEarly() {
			s.actors[i] = mustStart(tb, row.start)
		}
		names = append(names, t.policyName(i))
		documents = append(documents, document(t.policyName(i), s.expand(row.spec, s.actors[i])))
	}
	for _, r := range agents {
		r.mustAdd(tb, strings.Join(documents, "---\n"), names...)
	}
	return s
}

// isEarly reports whether the actor is older than the policy.
func (r *row) isEarly() bool { return r.early || strings.Contains(r.spec, "$PID") }

// stage is a table that is being run.
type stage struct {
	*rig
	dir    string
	vars   map[string]string
	actors []*process // that were started early
}

func (s *stage) expand(text string, p *process) string {
	if p != nil {
		text = strings.ReplaceAll(text, "$PID", strconv.Itoa(p.pid()))
	}
	text = strings.ReplaceAll(text, "$DIR", s.dir)
	for name, value := range s.vars {
		text = strings.ReplaceAll(text, "$"+name, value)
	}
	return text
}

// check lets the actor of a row act, and compares its events with those that are expected.
func (s *stage) check(tt *testing.T, t *table, i int) {
	row, p := &t.rows[i], s.actors[i]
	if p == nil {
		p = mustStart(tt, row.start)
	}
	s.perform(tt, p, t.rowName(i), t.policyName(i), row.want, row.signal)
}

// perform lets an actor act a row, and compares the events of a policy with those that are expected.
func (s *stage) perform(tt *testing.T, p *process, row, policy string, lines []string, signal syscall.Signal) {
	tt.Helper()
	p.mustAct(tt, row, s.dir)
	if err := p.end(signal); err != nil {
		tt.Error(err)
	}
	want := s.lines(lines, p)
	if diff := cmp.Diff(want, s.events(tt, policy, p, want)); diff != "" {
		tt.Errorf("events (- expected, + told):\n%s%s", diff, s.losses())
	}
}

// lines are those of a row for an actor.
func (s *stage) lines(lines []string, p *process) []string {
	var want []string
	for _, line := range lines {
		want = append(want, s.expand(line, p))
	}
	return want
}

// late is how long an event may come after the exit of its process: those with stack traces wait for names.
const late = 20 * time.Second

// settle is how long the events of the ring of enforcement are waited for beyond those expected: other than the
// rest, they are not in order with the exit.
const settle = 20 * time.Millisecond

// events returns what a policy has told of a process that has ended.
func (r *rig) events(tt *testing.T, policy string, p *process, want []string) []string {
	tt.Helper()
	j := r.journal
	if !j.await(patience, func() bool { return j.exited(p.pid()) }) {
		tt.Fatalf("the exit of process %d is not told%s", p.pid(), r.losses())
	}
	j.await(late, func() bool { return len(j.texts(policy, p.pid())) >= len(want) })
	if slices.ContainsFunc(want, func(line string) bool { return strings.Contains(line, "SIG") }) {
		time.Sleep(settle)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.texts(policy, p.pid())
}

// losses tells what the agent has lost so far, which may be why an event is missing.
func (r *rig) losses() string {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	if lost := r.journal.lost(); len(lost) > 0 {
		return "\nlost, at last: " + strings.Join(lost[max(0, len(lost)-5):], "; ")
	}
	return ""
}
