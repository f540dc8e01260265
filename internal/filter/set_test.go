// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

const (
	capNetRaw   = 1 << tetragon.CapabilitiesType_CAP_NET_RAW
	capSysAdmin = 1 << tetragon.CapabilitiesType_CAP_SYS_ADMIN
)

// podEvent is a kprobe event of a process in a pod.
func podEvent() *event.Event {
	return &event.Event{
		Kind: event.KindKprobe,
		Process: &event.Process{
			ExecID: "child", ParentExecID: "parent", PID: 42, Binary: "/usr/bin/cat", Arguments: "/etc/passwd -n",
			Docker: "0123456789abcdef0123456789abcde", InInitTree: true,
			Caps: &event.Capabilities{Permitted: capNetRaw | capSysAdmin, Effective: capNetRaw},
			Pod: &event.Pod{
				Namespace: "default", Name: "xwing-7d", Labels: event.Labels{{Key: "app", Value: "xwing"}, {Key: "tier", Value: "front"}},
				Container: &event.Container{Name: "spaceship", MaybeExecProbe: true},
			},
		},
		Parent:    &event.Process{ExecID: "parent", PID: 41, Binary: "/bin/bash", Arguments: "-c cat"},
		Ancestors: []*event.Process{{ExecID: "init", PID: 1, Binary: "/sbin/init"}},
		Hook:      event.Hook{PolicyName: "files", Function: "fd_install"},
	}
}

// hostEvent is an exec event of a process in no pod, with little known about it.
func hostEvent() *event.Event {
	return &event.Event{Kind: event.KindExec, Process: &event.Process{ExecID: "h", PID: 7, Binary: "/usr/sbin/sshd"}}
}

func usdtEvent() *event.Event {
	return &event.Event{Kind: event.KindUsdt, Process: &event.Process{PID: 8}, Hook: event.Hook{PolicyName: "probes"}}
}

// throttleEvent has no process.
func throttleEvent() *event.Event { return &event.Event{Kind: event.KindThrottle} }

var everything = Options{ProcessCred: true, PIDSet: true, Ancestors: func(event.Kind) bool { return true }}

func mustCompile(tb testing.TB, allow, deny []*tetragon.Filter) *Set {
	tb.Helper()
	s, err := Compile(allow, deny, everything)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func mustParse(tb testing.TB, text string) []*tetragon.Filter {
	tb.Helper()
	list, err := ParseList(text)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// TestFields says for each field which of the events pod, host, usdt, throttle ("phut") a filter selects.
func TestFields(t *testing.T) {
	events := map[rune]func() *event.Event{'p': podEvent, 'h': hostEvent, 'u': usdtEvent, 't': throttleEvent}
	for _, test := range []struct{ filter, want string }{
		{`{}`, "phut"},
		{`{"binary_regex":["cat$"]}`, "p"},
		{`{"binary_regex":["nothing","bin/s"]}`, "h"},
		{`{"parent_binary_regex":["bash"]}`, "p"},
		{`{"arguments_regex":["passwd"]}`, "p"},
		{`{"parent_arguments_regex":["^-c"]}`, "p"},
		{`{"namespace":["default","kube-system"]}`, "p"},
		{`{"namespace":["defaul"]}`, ""},
		{`{"namespace":[""]}`, "hu"},
		{`{"namespace_regex":["^def"]}`, "p"},
		{`{"namespace_regex":["^$"]}`, "hu"},
		{`{"pod_regex":["^xwing"]}`, "p"},
		{`{"pod_regex":[""]}`, "p"},
		{`{"container_name_regex":["ship"]}`, "p"},
		{`{"container_id":["^01234"]}`, "p"},
		{`{"container_id":["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]}`, "p"},
		{`{"container_id":["1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]}`, ""},
		{`{"labels":["app=xwing"]}`, "p"},
		{`{"labels":["app=tie","tier"]}`, "p"},
		{`{"labels":["!app"]}`, ""},
		{`{"pid":[42,8]}`, "pu"},
		{`{"event_set":["PROCESS_EXEC","PROCESS_THROTTLE"]}`, "ht"},
		{`{"health_check":true}`, "p"},
		{`{"health_check":false}`, "hu"},
		{`{"policy_names":["files"]}`, "p"},
		{`{"policy_names":["probes"]}`, "u"},
		{`{"policy_names":[""]}`, ""},
		{`{"in_init_tree":true}`, "p"},
		{`{"in_init_tree":false}`, "hu"},
		{`{"capabilities":{"effective":{"any":["CAP_NET_RAW","CAP_SYS_ADMIN"]}}}`, "p"},
		{`{"capabilities":{"effective":{"all":["CAP_NET_RAW","CAP_SYS_ADMIN"]}}}`, ""},
		{`{"capabilities":{"permitted":{"all":["CAP_NET_RAW","CAP_SYS_ADMIN"]}}}`, "p"},
		{`{"capabilities":{"effective":{"exactly":["CAP_NET_RAW"]}}}`, "p"},
		{`{"capabilities":{"permitted":{"exactly":["CAP_NET_RAW"]}}}`, ""},
		{`{"capabilities":{"effective":{"none":["CAP_SYS_ADMIN"]}}}`, "p"},
		{`{"capabilities":{"effective":{"none":["CAP_NET_RAW"]}}}`, ""},
		{`{"capabilities":{"inheritable":{"any":["DAC_OVERRIDE"]}}}`, ""},
		{`{"ancestor_binary_regex":["init"],"event_set":["PROCESS_KPROBE"]}`, "p"},
		{`{"ancestor_binary_regex":["bash"],"event_set":["PROCESS_KPROBE"]}`, ""},
		{`{"pid_set":[42]}`, "p"},
		{`{"pid_set":[41]}`, "p"},
		{`{"pid_set":[1]}`, "p"},
		{`{"pid_set":[2]}`, ""},
		{`{"cel_expression":["process_kprobe.process.binary.endsWith('cat')"]}`, "p"},
		{`{"cel_expression":["process_kprobe.function_name == 'x' || process_exec.process.pid == 7u"]}`, "h"},
		{`{"cel_expression":["process_kprobe.process.pid == 42u", "process_usdt.policy_name == 'probes'"]}`, "pu"},
		{`{"cel_expression":["true"]}`, ""},
		{`{"cel_expression":["process_exec.process.binary != 'x' && process_exit.status == 0u"]}`, ""},
		{`{"binary_regex":["cat"],"pid":[42],"namespace":["default"]}`, "p"},
		{`{"binary_regex":["cat"],"pid":[43]}`, ""},
	} {
		t.Run(test.filter, func(t *testing.T) {
			set := mustCompile(t, mustParse(t, test.filter), nil)
			for name, make := range events {
				if got, want := set.Match(NewSubject(make())), strings.ContainsRune(test.want, name); got != want {
					t.Errorf("event %c: %v, want %v", name, got, want)
				}
			}
		})
	}
}

func TestAllowAndDeny(t *testing.T) {
	cat, bash, all := `{"binary_regex":["cat"]}`, `{"binary_regex":["bash"]}`, `{}`
	for _, test := range []struct {
		allow, deny string
		want        bool
	}{
		{"", "", true},
		{cat, "", true},
		{bash, "", false},
		{bash + cat, "", true},
		{"", cat, false},
		{"", bash, true},
		{cat, cat, false},
		{cat, bash, true},
		{all, "", true},
		{all, bash + cat, false},
	} {
		set := mustCompile(t, mustParse(t, test.allow), mustParse(t, test.deny))
		if got := set.Match(NewSubject(podEvent())); got != test.want {
			t.Errorf("allow %q deny %q: %v, want %v", test.allow, test.deny, got, test.want)
		}
	}
}

// TestLossReports checks that a filter for something else does not hide that events are missing.
func TestLossReports(t *testing.T) {
	lost := &event.Event{Kind: event.KindLost}
	for _, test := range []struct {
		allow, deny string
		want        bool
	}{
		{`{"binary_regex":["cat"]}`, `{"namespace":[""]}`, true},
		{`{"event_set":["PROCESS_EXEC"]}`, "", true},
		{"", `{"event_set":["VEDETTE_LOST_EVENTS"]}`, false},
	} {
		set := mustCompile(t, mustParse(t, test.allow), mustParse(t, test.deny))
		if got := set.Match(NewSubject(lost)); got != test.want {
			t.Errorf("allow %q deny %q: %v, want %v", test.allow, test.deny, got, test.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	many := make([]*tetragon.Filter, maxFilters+1)
	for _, test := range []struct {
		name        string
		allow, deny []*tetragon.Filter
		options     Options
		want        string
	}{
		{name: "regex", allow: mustParse(t, `{} {"binary_regex":["ok","a(b"]}`), options: everything,
			want: `allow_list[1].binary_regex[1]: "a(b": missing closing ): "a(b"`},
		{name: "deny regex", deny: mustParse(t, `{"pod_regex":["*"]}`), options: everything,
			want: `deny_list[0].pod_regex[0]: "*": missing argument to repetition operator: "*"`},
		{name: "long regex", allow: []*tetragon.Filter{{BinaryRegex: []string{strings.Repeat("a", 5000)}}}, options: everything,
			want: "allow_list[0].binary_regex[0]: 5000 bytes: at most 4096 are possible"},
		{name: "labels", allow: mustParse(t, `{"labels":["a in (b"]}`), options: everything,
			want: `allow_list[0].labels[0]: "a in (b": column 8: unexpected ""`},
		{name: "event_set", allow: []*tetragon.Filter{{EventSet: []tetragon.EventType{1, 77}}}, options: everything,
			want: "allow_list[0].event_set[1]: 77: not a type of event"},
		{name: "undef", allow: mustParse(t, `{"event_set":["UNDEF"]}`), options: everything,
			want: "allow_list[0].event_set[0]: UNDEF: not a type of event"},
		{name: "capability", allow: []*tetragon.Filter{{Capabilities: &tetragon.CapFilter{
			Effective: &tetragon.CapFilterSet{All: []tetragon.CapabilitiesType{63}}}}}, options: everything,
			want: "allow_list[0].capabilities.effective.all[0]: 63: not a capability"},
		{name: "no credentials", allow: mustParse(t, `{"capabilities":{}}`), want: "--enable-process-cred"},
		{name: "no pid set", allow: mustParse(t, `{"pid_set":[1]}`), want: "--enable-pid-set-filter"},
		{name: "no ancestors", allow: mustParse(t, `{"ancestor_binary_regex":["x"],"event_set":["PROCESS_EXEC"]}`),
			want: "events of type PROCESS_EXEC carry no ancestors"},
		{name: "ancestors of any event", allow: mustParse(t, `{"ancestor_binary_regex":["x"]}`), options: everything, want: "needs an event_set"},
		{name: "expression syntax", allow: mustParse(t, `{"cel_expression":["process_exec.process.pid =="]}`), options: everything,
			want: `allow_list[0].cel_expression[0]: "process_exec.process.pid ==": <input>:1:28: Syntax error`},
		{name: "expression field", allow: mustParse(t, `{"cel_expression":["process_exec.proces"]}`), options: everything, want: "undefined field 'proces'"},
		{name: "expression type", allow: mustParse(t, `{"cel_expression":["process_exec.process.binary"]}`), options: everything, want: "of type string, not bool"},
		{name: "many filters", allow: many, options: everything, want: "allow_list: 129 filters: at most 128 are possible"},
		{name: "many values", allow: []*tetragon.Filter{{Pid: make([]uint32, maxValues+1)}}, options: everything,
			want: "allow_list: 1025 values: at most 1024 are possible"},
		{name: "many values in several filters", deny: []*tetragon.Filter{{Pid: make([]uint32, 1000)}, nil, {Namespace: make([]string, 25)}},
			options: everything, want: "deny_list: 1025 values: at most 1024 are possible"},
		{name: "many expressions", allow: []*tetragon.Filter{{CelExpression: make([]string, maxExpressions)}, {CelExpression: []string{"true"}}},
			options: everything, want: "allow_list: 17 CEL expressions: at most 16 are possible"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Compile(test.allow, test.deny, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestExpressionNetwork(t *testing.T) {
	set := mustCompile(t, mustParse(t, `{"cel_expression":["process_kprobe.args.exists(a, has(a.sock_arg) && cidr('10.0.0.0/8').containsIP(ip(a.sock_arg.daddr)))"]}`), nil)
	message := func(daddr string) *Subject {
		return &Subject{event: podEvent(), message: &tetragon.GetEventsResponse{Event: &tetragon.GetEventsResponse_ProcessKprobe{
			ProcessKprobe: &tetragon.ProcessKprobe{Args: []*tetragon.KprobeArgument{
				{Arg: &tetragon.KprobeArgument_SockArg{SockArg: &tetragon.KprobeSock{Daddr: daddr}}},
			}},
		}}}
	}
	if !set.Match(message("10.1.2.3")) || set.Match(message("11.1.2.3")) || set.Match(message("nonsense")) {
		t.Error("addresses are not compared")
	}
}

// TestExpressionCost checks that a client cannot make the reader of events compute for long.
func TestExpressionCost(t *testing.T) {
	loop := "[1,2,3,4,5,6,7,8,9,10]"
	text := fmt.Sprintf("process_exec.process.pid > 0u && %[1]s.all(a, %[1]s.all(b, %[1]s.all(c, %[1]s.all(d, %[1]s.all(e, %[1]s.all(f, a+b+c+d+e+f > 0))))))", loop)
	set := mustCompile(t, []*tetragon.Filter{{CelExpression: []string{text}}}, nil)
	if set.Match(NewSubject(hostEvent())) {
		t.Error("an evaluation beyond the limit is a match")
	}
}

func process(execID, parent string, pid uint32) *event.Process {
	return &event.Process{ExecID: execID, ParentExecID: parent, PID: pid}
}

// TestPIDSetFollowsDescendants includes processes whose events another filter field rejects.
func TestPIDSetFollowsDescendants(t *testing.T) {
	set := mustCompile(t, []*tetragon.Filter{{PidSet: []uint32{10}, EventSet: []tetragon.EventType{event.KindExec}}}, nil)
	for i, test := range []struct {
		kind    event.Kind
		process *event.Process
		want    bool
	}{
		{event.KindExec, process("a", "init", 10), true},
		{event.KindExec, process("x", "init", 11), false},
		{event.KindKprobe, process("b", "a", 12), false}, // not in event_set, but b is a child from now on
		{event.KindExit, process("a", "init", 10), false},
		{event.KindExec, process("c", "b", 13), true},
		{event.KindExec, process("d", "a", 14), true}, // a has ended, its child shows up only now
		{event.KindExec, process("y", "x", 15), false},
	} {
		if got := set.Match(NewSubject(&event.Event{Kind: test.kind, Process: test.process})); got != test.want {
			t.Errorf("event %d: %v, want %v", i, got, test.want)
		}
	}
}

func TestPIDSetIsBounded(t *testing.T) {
	s := newPIDSet(pids{1})
	for i := range 3 * maxExited {
		p := &event.Process{ExecID: fmt.Sprint(i), PID: 1}
		s.observe(&event.Event{Kind: event.KindExec, Process: p})
		s.observe(&event.Event{Kind: event.KindExit, Process: p})
	}
	if n := len(s.members); n > maxExited {
		t.Errorf("%d processes are remembered after all have ended, want at most %d", n, maxExited)
	}
}

func TestNilFilterFields(t *testing.T) {
	set := mustCompile(t, []*tetragon.Filter{nil}, []*tetragon.Filter{{HealthCheck: wrapperspb.Bool(true)}})
	if !set.Match(NewSubject(hostEvent())) {
		t.Error("a missing filter does not match everything")
	}
}

func BenchmarkMatch(b *testing.B) {
	for name, text := range map[string]string{
		"fields": `{"event_set":["PROCESS_KPROBE"],"namespace":["default"],"binary_regex":["cat$"]}`,
		"cel":    `{"cel_expression":["process_kprobe.process.pid == 42u"]}`,
	} {
		b.Run(name, func(b *testing.B) {
			set := mustCompile(b, mustParse(b, text), nil)
			var subject Subject
			e := podEvent()
			b.ReportAllocs()
			for b.Loop() {
				subject.Reset(e)
				if !set.Match(&subject) {
					b.Fatal("no match")
				}
			}
		})
	}
}
