// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

// TestRefusals checks that what is not executed yet is refused where the
// policy says it, never ignored. The place is that of the mark «, or just the
// line of the mark ‹ where the place is that of a whole structure.
func TestRefusals(t *testing.T) {
	kprobe := func(lines string) string {
		return "  kprobes:\n  - call: sys_read\n    args: [{index: 0, type: int}, {index: 1, type: string}]\n" + indent(lines, "    ")
	}
	selector := func(line string) string { return kprobe("selectors:\n- " + line + "\n") }
	action := func(fields string) string { return selector("matchActions: [{" + fields + "}]") }
	uprobe := func(line string) string {
		return "  uprobes:\n  - path: /bin/sh\n    symbols: [main]\n    " + line
	}
	enforced := func(call string) string { return "  enforcers:\n  - calls: [" + call + "]\n" }
	for name, test := range map[string]struct{ body, want string }{
		"uprobe file":                          {uprobe("args: [{index: 0, type: «file}]\n"), "no argument of a program is a file"},
		"uprobe argument":                      {uprobe("args: [{index: «6, type: int}]\n"), "argument 6 does not exist here"},
		"uprobe returnCopy":                    {uprobe("args: [{index: 0, type: char_buf, returnCopy: «true}]\n"), "only the arguments of system calls"},
		"uprobe register":                      {uprobe("selectors: [{matchActions: [{action: Override, argRegs: [rax=1, ‹cs=1]}]}]\n"), `there is no register "cs" that can be written`},
		"uprobe registers":                     {uprobe("selectors: [{matchActions: [{action: Override, argRegs: ‹[r8=1, r9=1, r10=1, r11=1, r12=1, r13=1, r14=1, r15=1]}]}]\n"), "an Override can write 7 registers, not 8"},
		"uprobe overrides":                     {uprobe("selectors: [{matchActions: [{action: Override, argError: 1}, {action: «Override, argError: 2}]}]\n"), "can have one Override"},
		"uprobe goto":                          {uprobe("selectors: [{matchActions: [{action: Override, argNewSymbol: «main+x}]}]\n"), "is not an offset behind"},
		"uprobe return":                        {"  uprobes:\n  - path: /bin/sh\n    symbols: [«main+4]\n    return: true\n    returnArg: {index: 0, type: int}\n", "can only be told from its beginning"},
		"uprobe place":                         {"  uprobes:\n  - path: /bin/sh\n    symbols: [«main+99999999999999999999]\n", "is not an offset behind"},
		"lsm argument":                         {"  lsmhooks:\n  - hook: file_open\n    args: [{index: «6, type: int}]\n", "argument 6 does not exist here, the last one is 5"},
		"podSelector":                          {kprobe("") + "  podSelector: {‹matchLabels: {a: b}}\n", "podSelector needs Kubernetes"},
		"function argument":                    {"  kprobes:\n  - call: vfs_read\n    syscall: false\n    args: [{index: «6, type: int}]\n", "argument 6 does not exist here, the last one is 5"},
		"call as function":                     {"  kprobes:\n  - call: «__x64_sys_read\n    syscall: false\n", "syscall: true and the name sys_read"},
		"function as call":                     {"  kprobes:\n  - call: «fd_install\n", "is not a system call, it needs syscall: false"},
		"unknown call":                         {"  kprobes:\n  - call: «sys_reed\n", `no system call "reed", did you mean sys_read`},
		"call without sys":                     {"  kprobes:\n  - call: «openat\n", `"openat" is not the name of a system call, such as sys_read, did you mean sys_openat`},
		"unknown 32-bit call":                  {"  kprobes:\n  - call: «__ia32_sys_reed\n", `no system call "reed", did you mean sys_read`},
		"structure of 32-bit programs":         {"  kprobes:\n  - call: __ia32_sys_nanosleep\n    args: [{index: 0, type: int, btfType: timespec64, resolve: «tv_sec}]\n", "32-bit programs lay out structures otherwise"},
		"type":                                 {"  kprobes:\n  - call: sys_read\n    args: [{index: 0, type: «sock}]\n", "no argument of a system call is a sock"},
		"file of a call":                       {"  kprobes:\n  - call: sys_read\n    args: [{index: 0, type: «file}]\n", "no argument of a system call is a file"},
		"return type":                          {kprobe("return: true\nreturnArg: {index: 0, type: «nop}\n"), "no call returns a nop"},
		"override at return":                   {kprobe("return: true\nreturnArg: {index: 0, type: int}\nselectors:\n- matchReturnActions: [{action: «Override, argError: -1}]\n"), "the call has been carried out when it returns"},
		"substring":                            {selector(`matchArgs: [{index: 1, operator: SubString, values: [«"a\0b"]}]`), "cannot have a NUL byte inside"},
		"override":                             {action("action: Override, argError: «0"), "Override needs argError"},
		"internal error":                       {action("action: Override, argError: «-512"), "never leave the kernel"},
		"geturl":                               {action("action: GetUrl, argUrl: «'http://evil.example:80/x'"), `may not ask "evil.example"`},
		"dnslookup":                            {action("action: DnsLookup, argFqdn: «evil.example"), `may not ask "evil.example"`},
		"unfollow":                             {action("action: «UnfollowFD, argFd: 0"), "UnfollowFD has no effect in a policy without FollowFD"},
		"host namespace":                       {selector("matchNamespaces: [{namespace: Time, operator: In, values: [«host_ns]}]"), "this kernel has no Time namespace"},
		"argument":                             {"  kprobes:\n  - call: fd_install\n    syscall: false\n    args: [{index: «2, type: int}]\n", "argument 2 does not exist here, the last one is 1"},
		"raw argument":                         {"  tracepoints:\n  - {subsystem: s, event: e, raw: true, args: [{index: «5, type: int}]}\n", "argument 5 does not exist here, the last one is 4"},
		"object of a call":                     {"  kprobes:\n  - call: sys_writev\n    args: [{index: 1, type: «iov_iter}]\n", "no argument of a system call is a iov_iter: use char_iovec"},
		"object of a program":                  {"  uprobes:\n  - path: /bin/sh\n    symbols: [main]\n    args: [{index: 1, type: «cred}]\n", "only the kernel has"},
		"object of a tracepoint with the call": {"  tracepoints:\n  - subsystem: syscalls\n    event: sys_enter_read\n    args: [{index: 6, type: «dentry}]\n", "its addresses are those of the process"},
		"array of a raw tracepoint":            {"  tracepoints:\n  - {subsystem: s, event: e, raw: true, args: [{index: 0, type: «const_buf}]}\n", "is an array in the record of a tracepoint"},
		"segments without their number":        {"  kprobes:\n  - call: sys_writev\n    args: [«{index: 1, type: char_iovec}]\n", "a char_iovec needs a sizeArgIndex"},
		"iterator copied at return":            {"  kprobes:\n  - call: vfs_iter_read\n    syscall: false\n    args: [{index: 1, type: iov_iter, returnCopy: «true}]\n", "the kernel moves an iov_iter on"},
		"buffer returned":                      {kprobe("return: true\nreturnArg: {index: 0, type: «char_buf}\n"), "a call does not return a char_buf"},
		"file of a call returned":              {kprobe("return: true\nreturnArg: {index: 0, type: «file}\n"), "no argument of a system call is a file"},
		"text returned, filtered": {kprobe("return: true\nreturnArg: {index: 0, type: fd}\nselectors:\n- matchReturnArgs: [«{index: 0, operator: Equal, values: [/a]}]\n"),
			"a return value that is no integer cannot be filtered"},
		"workloads":         {selector("matchWorkloads: [{podSelector: {‹matchLabels: {a: b}}}]"), "podSelector needs Kubernetes"},
		"containers":        {selector("matchWorkloads: [{hostSelector: {}, containerSelector: {‹matchLabels: {name: b}}}]"), "containerSelector needs Kubernetes"},
		"nodes":             {kprobe("") + "  nodeSelector: {‹matchLabels: {a: b}}\n", "nodeSelector needs Kubernetes"},
		"enforcer call":     {kprobe("") + enforced("«sys_nothing"), `no system call "nothing"`},
		"enforcer function": {kprobe("") + "  lists: [{name: l, values: [«vfs_read]}]\n  enforcers: [{calls: ['list:l']}]\n", "an enforcer acts at system calls (sys_NAME) and security_ functions only"},
		"enforcer verdict":  {enforced("sys_read") + action("action: «NotifyEnforcer"), "NotifyEnforcer needs argError"},
		"enforcer success":  {enforced("sys_read") + action("action: NotifyEnforcer, argError: «1"), "NotifyEnforcer needs argError"},
		"enforcer restart":  {enforced("sys_read") + action("action: NotifyEnforcer, argError: «-512"), "would restart the call"},
		"filter on copy": {"  kprobes:\n  - call: sys_read\n    args: [{index: 1, type: char_buf, returnCopy: true}]\n" +
			"    selectors: [{matchArgs: [{‹index: 1, operator: Prefix, values: [a]}]}]\n", "copied when the call returns"},
		"void": {"  kprobes:\n  - call: fd_install\n    syscall: false\n    return: «true\n    returnArg: {index: 0, type: int}\n", "fd_install returns nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			line, column := place(spec("refused", test.body))
			p := mustParse(t, spec("refused", strings.NewReplacer("«", "", "‹", "").Replace(test.body)))
			in := input(p)
			in.CheckHost = func(host string) error { return fmt.Errorf("may not ask %q", host) }
			_, err := compile.Compile(in)
			all := compile.PolicyErrors(err)
			if len(all) != 1 || len(all[0].Diagnostics) == 0 {
				t.Fatalf("error %v", err)
			}
			for _, d := range all[0].Diagnostics {
				if strings.Contains(d.Message, test.want) {
					if d.Pos.Line != line || column > 0 && d.Pos.Column != column {
						t.Errorf("%s: at %d:%d, want %d:%d", d.Message, d.Pos.Line, d.Pos.Column, line, column)
					}
					return
				}
			}
			t.Errorf("error %v, want %q", err, test.want)
		})
	}
}

// place returns where the mark is in a text, column 0 for one of a line.
func place(text string) (line, column int) {
	before, _, exact := strings.Cut(text, "«")
	if !exact {
		before, _, _ = strings.Cut(text, "‹")
		return strings.Count(before, "\n") + 1, 0
	}
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndex(before, "\n")
}

// TestNamespacedPolicyRefused checks that a policy for one namespace is not
// applied to the whole host.
func TestNamespacedPolicyRefused(t *testing.T) {
	p := mustParse(t, strings.Replace(spec("pods", "  kprobes:\n  - call: sys_read\n"), "kind: TracingPolicy\n", "kind: TracingPolicyNamespaced\n", 1))
	_, err := compile.Compile(input(p))
	if err == nil || !strings.Contains(err.Error(), "test.yaml:2:7: a TracingPolicyNamespaced applies to the pods of one namespace") {
		t.Error(err)
	}
}

func TestHostSelector(t *testing.T) {
	mustCompile(t, mustParse(t, spec("host", "  hostSelector: {}\n  kprobes:\n  - call: sys_read\n")))
}

// TestDirectPolicyErrors checks what the validation of a text catches before
// the compiler, on policies that did not come from a text.
func TestDirectPolicyErrors(t *testing.T) {
	kprobe := func(k policy.Kprobe) policy.Spec { return policy.Spec{Kprobes: []policy.Kprobe{k}} }
	read := func(s policy.Selector) policy.Spec {
		return kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Selectors: []policy.Selector{s}, Args: []policy.Arg{
			{Index: 0, Type: policy.TypeInt}, {Index: 1, Type: policy.TypeString}, {Index: 2, Type: policy.TypeNop},
		}})
	}
	arg := func(f policy.ArgFilter) policy.Spec { return read(policy.Selector{MatchArgs: []policy.ArgFilter{f}}) }
	action := func(a ...policy.Action) policy.Spec { return read(policy.Selector{MatchActions: a}) }
	for want, s := range map[string]policy.Spec{
		"a value cannot have a NUL byte inside":                                      arg(policy.ArgFilter{Index: 1, Operator: policy.OpEqual, Values: []string{"a\x00b"}}),
		"129 bytes is too long, at most 128":                                         arg(policy.ArgFilter{Index: 1, Operator: policy.OpPostfix, Values: []string{strings.Repeat("a", 129)}}),
		"no arg with index 7 is declared":                                            arg(policy.ArgFilter{Index: 7, Operator: policy.OpEqual, Values: []string{"1"}}),
		"there are only 3 args, position 3":                                          arg(policy.ArgFilter{Args: []uint32{3}, Operator: policy.OpEqual, Values: []string{"1"}}),
		"operator Equal compares one argument, only CapabilitiesGained compares two": arg(policy.ArgFilter{Args: []uint32{0, 1}, Operator: policy.OpEqual, Values: []string{"1"}}),
		"type nop has no value":                                                      arg(policy.ArgFilter{Index: 2, Operator: policy.OpEqual, Values: []string{"1"}}),
		"operator GT cannot be used with type string":                                arg(policy.ArgFilter{Index: 1, Operator: policy.OpGT, Values: []string{"1"}}),
		"operator Prefix cannot be used with type int":                               arg(policy.ArgFilter{Index: 0, Operator: policy.OpPrefix, Values: []string{"1"}}),
		"out of range":                                               arg(policy.ArgFilter{Index: 0, Operator: policy.OpEqual, Values: []string{"4294967296"}}),
		"a filter on the return value needs":                         read(policy.Selector{MatchReturnArgs: []policy.ArgFilter{{Operator: policy.OpEqual, Values: []string{"1"}}}}),
		"return needs a returnArg":                                   kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Return: true}),
		`there is no list "x"`:                                       kprobe(policy.Kprobe{Call: "list:x", Syscall: true}),
		"9 arguments are too many, the limit is 8":                   kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Args: make([]policy.Arg, 9)}),
		"only a char_buf and a char_iovec have a sizeArgIndex":       kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Args: []policy.Arg{{Type: policy.TypeInt, SizeArgIndex: 3}}}),
		"sizeArgIndex counts from 1, the last one is 6":              kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Args: []policy.Arg{{Type: policy.TypeCharBuf, SizeArgIndex: 7}}}),
		"only a char_buf, a char_iovec and an iov_iter have maxData": kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Args: []policy.Arg{{Type: policy.TypeInt, MaxData: true}}}),
		"only a char_buf and a char_iovec have returnCopy":           kprobe(policy.Kprobe{Call: "sys_read", Syscall: true, Args: []policy.Arg{{Type: policy.TypeInt, ReturnCopy: true}}}),
		"the type of this argument is not known":                     {Uprobes: []policy.Uprobe{{Path: "/bin/a", Symbols: []string{"main"}, Args: []policy.Arg{{Type: policy.TypeAuto}}}}},
		"signal 65 does not exist":                                   action(policy.Action{Action: policy.ActionSignal, ArgSig: 65}),
		"one signal, not both 1 and 2":                               action(policy.Action{Action: policy.ActionSignal, ArgSig: 1}, policy.Action{Action: policy.ActionSignal, ArgSig: 2}),
		"only the action Post has a rate limit":                      action(policy.Action{Action: policy.ActionSigkill, RateLimit: "1m"}),
		"is neither an integer nor an fd":                            action(policy.Action{Action: policy.ActionFollowFD, ArgFd: 1}),
		"at most 2 of FollowFD, UnfollowFD and CopyFD":               action(make3(policy.Action{Action: policy.ActionFollowFD})...),
		"followChildren needs the operator In or NotIn":              read(policy.Selector{MatchBinaries: []policy.BinaryFilter{{Operator: policy.OpPrefix, FollowChildren: true}}}),
		"at most 64 policies can follow descriptors":                 action(policy.Action{Action: policy.ActionFollowFD}),
	} {
		t.Run(want, func(t *testing.T) {
			in := input(&policy.Policy{Spec: s})
			if strings.Contains(want, "at most 64") {
				in.Policies[0].FollowBit = -1
			}
			_, err := compile.Compile(in)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func make3(a policy.Action) []policy.Action { return []policy.Action{a, a, a} }

// TestPolicyErrors checks that every broken policy is named, and only those.
func TestPolicyErrors(t *testing.T) {
	good := mustParse(t, spec("good", "  kprobes:\n  - call: sys_read\n"))
	bad := mustParse(t, spec("bad", "  kprobes:\n  - call: sys_reed\n"))
	plan, err := compile.Compile(input(bad, good, bad))
	if plan != nil {
		t.Error("there is a plan")
	}
	var failed []int
	for _, e := range compile.PolicyErrors(err) {
		failed = append(failed, e.Policy)
	}
	if len(failed) != 2 || failed[0] != 0 || failed[1] != 2 {
		t.Errorf("failed policies %v, want 0 and 2", failed)
	}
	if compile.PolicyErrors(nil) != nil || compile.PolicyErrors(errors.New("other")) != nil {
		t.Error("errors of others are policy errors")
	}
}
