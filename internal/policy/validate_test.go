// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
	"testing"
)

func TestPolicyErrors(t *testing.T) {
	named := func(name string) string {
		return strings.Replace(header, "name: test", "name: "+name, 1) + "  loader: true\n"
	}
	namespaced := strings.Replace(header, "kind: TracingPolicy", "kind: TracingPolicyNamespaced", 1)
	expectFindings(t, SeverityError, []finding{
		{"name with capitals", named("§My_Policy"), "not a DNS-1123 subdomain", `for example "my-policy"`},
		{"name of dots", named("§a..b"), "not a DNS-1123 subdomain", ""},
		{"long name", named("§" + strings.Repeat("a", 254)), "254 characters", ""},
		{"bad namespace", strings.Replace(namespaced, "name: test", "name: test\n  namespace: §a.b", 1) + "  loader: true\n", "not a DNS-1123 label", ""},
		{"host selector", header + "  loader: true\n  hostSelector:\n    §matchLabels: {a: b}\n", "must be null or empty", "write {}"},
		{"host selector in a namespace", namespaced + "  loader: true\n  hostSelector: §{}\n", "not allowed in a TracingPolicyNamespaced", ""},
		{"uprobe in a namespace", namespaced + "  uprobes:\n  §- {path: /bin/a, symbols: [ main ]}\n", "not supported in a TracingPolicyNamespaced", ""},
		{"usdt in a namespace", namespaced + "  usdts:\n  §- {path: /bin/a, provider: a, name: b}\n", "not supported in a TracingPolicyNamespaced", ""},
		{"label key", header + "  loader: true\n  podSelector: {matchLabels: {a b: §c}}\n", `"a b" is not the key of a label`, ""},
		{"label value", header + "  loader: true\n  podSelector: {matchLabels: {app.k8s.io/name: §'c d'}}\n", `"c d" is not the value of a label`, ""},
		{"label operator", header + "  loader: true\n  podSelector: {matchExpressions: [ {key: a, operator: §NotExists} ]}\n", "unknown operator", "did you mean"},
		{"label values missing", header + "  loader: true\n  podSelector: {matchExpressions: [ §{key: a, operator: In} ]}\n", "needs values", ""},
		{"label values given", header + "  loader: true\n  podSelector: {matchExpressions: [ {key: a, operator: Exists, values: §[ a ]} ]}\n", "takes no values", ""},
		{"unknown option", header + "  loader: true\n  options:\n  - {name: §policy-mod, value: monitor}\n", "unknown option", `did you mean "policy-mode"?`},
		{"unknown mode", header + "  loader: true\n  options:\n  - {name: policy-mode, value: §audit}\n", "unknown mode", "enforce, monitor"},
		{"option given twice", header + "  loader: true\n  options:\n  - {name: policy-mode, value: monitor}\n  - {name: §policy-mode, value: enforce}\n", "given twice", ""},
		{"option value", header + "  loader: true\n  options:\n  - {name: disable-kprobe-multi, value: §\"maybe\"}\n", "not a boolean", ""},
		{"option without value", header + "  loader: true\n  options:\n  - §{name: sleepable-preload-size}\n", "not a positive number", ""},
		{"override method", header + "  loader: true\n  options:\n  - {name: override-method, value: §fmodret}\n", "unknown override method", `"fmod-ret"`},
		{"list twice", header + "  loader: true\n  lists:\n  - {name: a, values: [ f ]}\n  - {name: §a, values: [ f ]}\n", "defined twice", ""},
		{"list type", header + "  loader: true\n  lists:\n  - {name: a, type: §syscall, values: [ sys_read ]}\n", "unknown list type", `"syscalls"`},
		{"list without values", header + "  loader: true\n  lists:\n  - §name: a\n", "has no values", ""},
		{"generated list with values", header + "  loader: true\n  lists:\n  - {name: a, type: generated_syscalls, values: §[ sys_read ]}\n", "must not have values", ""},
		{"list without pattern", header + "  loader: true\n  lists:\n  - §{name: a, type: generated_ftrace}\n", "needs a pattern", ""},
		{"list pattern", header + "  loader: true\n  lists:\n  - {name: a, type: generated_ftrace, pattern: §\"a(\"}\n", "not a regular expression", ""},
		{"list of no system call", header + "  loader: true\n  lists:\n  - {name: a, type: syscalls, values: [ x64/sys_read, __x64_sys_read, §read ]}\n", `"read" is not a system call`, `did you mean "sys_read"?`},
		{"list with unknown interface", header + "  loader: true\n  lists:\n  - {name: a, type: syscalls, values: [ §x86/sys_read ]}\n", "unknown binary interface", "x64"},
		{"list of no function", header + "  loader: true\n  lists:\n  - {name: a, values: [ §\"a b\" ]}\n", "not the name of a function", ""},
		{"two enforcers", header + "  loader: true\n  enforcers:\n  - calls: [ sys_read ]\n  - §calls: [ sys_write ]\n", "only one enforcer", ""},
		{"enforcer without calls", header + "  loader: true\n  enforcers:\n  - calls: §[]\n", "without calls", ""},
		{"enforcer of a function", header + "  loader: true\n  enforcers:\n  - calls: [ sys_read, §fd_install ]\n", "cannot be enforced on", "security_NAME"},
		{"enforcer of an unknown list", header + "  loader: true\n  lists: [ {name: abc, values: [ sys_read ]} ]\n  enforcers:\n  - calls: [ §\"list:abd\" ]\n", `no list "abd"`, `did you mean "abc"?`},
	})
}

func TestHookErrors(t *testing.T) {
	tracepoint := func(fields string) string {
		return header + "  tracepoints:\n  - subsystem: sched\n    event: sched_switch\n" + fields
	}
	uprobe := func(fields string) string {
		return header + "  uprobes:\n  - path: /bin/a\n    symbols: [ main, main+0x10 ]\n" + fields
	}
	lsm := func(fields string) string {
		return header + "  lsmhooks:\n  - hook: file_open\n" + fields
	}
	var nine string
	for i := range 8 {
		nine += fmt.Sprintf("{index: 0, type: int, resolve: a%d}, ", i)
	}
	nine += "§{index: 1, type: int}"
	tags := strings.TrimSuffix(strings.Repeat("ab, ", MaxTags), ", ")
	expectFindings(t, SeverityError, []finding{
		{"call", header + "  kprobes:\n  - {call: §\"a b\", syscall: false}\n", "not the name of a function", ""},
		{"unknown list", header + "  kprobes:\n  - {call: §\"list:abc\"}\n", `no list "abc"`, ""},
		{"return without returnArg", kprobe("    return: §true\n"), "needs returnArg", "add returnArg"},
		{"returnArgAction", kprobe("    return: true\n    returnArg: {index: 0, type: sock}\n    returnArgAction: §Post\n"), "unknown returnArgAction", "TrackSock, UntrackSock"},
		{"returnArgAction without return", kprobe("    returnArgAction: §TrackSock\n"), "needs return: true", ""},
		{"returnArgAction of an integer", kprobe("    return: true\n    returnArg: {index: 0, type: int}\n    returnArgAction: §TrackSock\n"), "type sock or socket", ""},
		{"short message", kprobe("    message: §a\n"), "shorter than 2", ""},
		{"short tag", kprobe("    tags: [ ab, §a ]\n"), "shorter than 2", ""},
		{"17 tags", kprobe("    tags: [ " + tags + ", §ab ]\n"), "17 tags, the limit is 16", ""},
		{"9 args", kprobe("    syscall: false\n    args: [" + nine + "]\n"), "9 args and data", ""},
		{"arg type", kprobe("    args:\n    - {index: 0, type: §uint46}\n"), "unknown argument type", `did you mean "uint16"?`},
		{"arg type auto", uprobe("    args:\n    - §index: 0\n"), "the type must be given", ""},
		{"arg type of tracepoints", kprobe("    args:\n    - {index: 0, type: §syscall64}\n"), "for tracepoints only", ""},
		{"arg index of a system call", kprobe("    args:\n    - {index: §6, type: int}\n"), `kprobe "sys_read" has at most index 5`, ""},
		{"arg index of a function", kprobe("    syscall: false\n    args:\n    - {index: §8, type: int}\n"), "at most index 7", ""},
		{"source of an arg", kprobe("    args:\n    - {index: 0, type: int, source: §current_task}\n"), "for data only", ""},
		{"data without source", kprobe("    data:\n    - §{index: 0, type: int, resolve: pid}\n"), "needs a source", "current_task, pt_regs"},
		{"data with unknown source", kprobe("    data:\n    - {index: 0, type: int, source: §task, resolve: pid}\n"), "unknown source", "current_task"},
		{"data without resolve", kprobe("    data:\n    - §{index: 0, type: int, source: current_task}\n"), "data needs resolve", ""},
		{"register", kprobe("    data:\n    - {index: 0, type: int, source: pt_regs, resolve: §rax.a}\n"), "not the name of a register", ""},
		{"resolve", kprobe("    args:\n    - {index: 0, type: int, resolve: §a..b}\n"), "not a path of fields", ""},
		{"resolve too deep", kprobe("    args:\n    - {index: 0, type: int, resolve: §a.b.c.d.e.f.g.h.i.j.k}\n"), "11 steps, the limit is 10", ""},
		{"maxData", kprobe("    args:\n    - {index: 0, type: int, maxData: §true}\n"), "maxData is for char_buf", ""},
		{"returnCopy of a tracepoint", tracepoint("    args:\n    - {index: 4, type: int, returnCopy: §true}\n"), "no return to copy at", ""},
		{"sizeArgIndex of itself", kprobe("    args:\n    - {index: 1, type: char_buf, sizeArgIndex: §2}\n"), "names the argument itself", "counts from 1"},
		{"sizeArgIndex out of range", kprobe("    args:\n    - {index: 1, type: char_buf, sizeArgIndex: §7}\n"), "at most 6 arguments", ""},
		{"sizeArgIndex of a file", kprobe("    args:\n    - {index: 1, type: file}\n    - {index: 2, type: char_buf, sizeArgIndex: §2}\n"), "no integer but file", "counts from 1"},
		{"tracepoint subsystem", header + "  tracepoints:\n  - {subsystem: §../../etc, event: passwd}\n", "not the name of a subsystem", ""},
		{"tracepoint event", header + "  tracepoints:\n  - {subsystem: sched, event: §a/b}\n", "not the name of an event", ""},
		{"uprobe nowhere", header + "  uprobes:\n  - §path: /bin/a\n", "one of symbols, offsets and addrs", ""},
		{"uprobe twice", uprobe("    offsets: §[ 1 ]\n"), "not symbols and offsets", ""},
		{"uprobe symbol", uprobe("  - {path: /bin/a, symbols: [ §\"main+x\" ]}\n"), "not a symbol", ""},
		{"uprobe reference counters", uprobe("    refCtrOffsets: §[ 1 ]\n"), "1 refCtrOffsets for 2 places", ""},
		{"digest algorithm", uprobe("    binaryDigests: [ §\"sha255:00\" ]\n"), "not a digest", `"sha256"`},
		{"digest length", uprobe("    binaryDigests: [ \"build-id:00ff\", §\"sha1:00ff\" ]\n"), "not a sha1 digest", ""},
		{"lsm hook with prefix", header + "  lsmhooks:\n  - hook: §security_file_open\n", "without security_", `"file_open"`},
		{"lsm return filter", lsm("    selectors:\n    - matchReturnArgs:\n      §- {operator: Equal, values: [ \"1\" ]}\n"), "matchReturnArgs", ""},
	})
}

func TestFilterErrors(t *testing.T) {
	arg := func(index int, operator, values string) string {
		return selector(fmt.Sprintf("      matchArgs:\n      - {index: %d, operator: %s, values: [ %s ]}\n", index, operator, values))
	}
	expectFindings(t, SeverityError, []finding{
		{"unknown operator", arg(3, "§Eqal", `"1"`), "unknown operator", `did you mean "Equal"?`},
		{"short form of an operator", arg(3, "§eq", `"1"`), "unknown operator", `did you mean "Equal"?`},
		{"operator of sets", arg(3, "§In", `"1"`), "cannot be used here", ""},
		{"operator of strings on an int", arg(3, "§Prefix", `"1"`), "operator Prefix cannot be used with type int", "it is for"},
		{"operator of ints on an fd", arg(0, "§GT", `"1"`), "operator GT cannot be used with type fd", "it is for int, "},
		{"unknown index", selector("      matchArgs:\n      - {index: §7, operator: Equal, values: [ \"1\" ]}\n"), "no argument with index 7", "args has index 0, 1, 2, 3, 4, 5"},
		{"unknown position", selector("      matchArgs:\n      - {args: §[ 6 ], operator: Equal, values: [ \"1\" ]}\n"), "position 6 is out of range", ""},
		{"two positions", selector("      matchArgs:\n      - {args: §[ 2, 3 ], operator: Equal, values: [ \"1\" ]}\n"), "about one argument", ""},
		{"unknown datum", selector("      matchData:\n      - {index: §0, operator: Equal, values: [ \"1\" ]}\n"), "data has 0 elements", ""},
		{"no values", selector("      matchArgs:\n      - §{index: 3, operator: Equal}\n"), "needs values", ""},
		{"not an integer", arg(3, "Equal", `"1", §"abc"`), `"abc" is not an integer`, ""},
		{"integer too large", arg(3, "Equal", `§"2147483648"`), "out of range for int, -2147483648 to 2147483647", ""},
		{"negative size", arg(2, "GT", `§"-1"`), "out of range for size_t", ""},
		{"mask too wide", arg(3, "Mask", `"0xffffffff", §"0x100000000"`), "out of range", ""},
		{"range without colon", arg(3, "InRange", `"-5:5", §"5"`), "expected min:max", ""},
		{"empty range", arg(3, "NotInRange", `§"5:-5"`), "is empty", ""},
		{"range in a map", arg(3, "InMap", `"1", "2:3", §"9:8"`), "is empty", ""},
		{"list for an int", arg(3, "InMap", `§"list:a"`), "syscall64 only", ""},
		{"address", arg(4, "SAddr", `"::1", "10.0.0.0/8", §"10.0.0"`), "not an IP address", ""},
		{"network", arg(4, "NotDAddr", `§"10.0.0.0/33"`), "CIDR", ""},
		{"port", arg(4, "DPort", `"80", "1024:65535", §"65536"`), "out of range for uint16", ""},
		{"protocol of a sockaddr", arg(5, "§Protocol", `IPPROTO_TCP`), "cannot be used with type sockaddr", "it is for skb, sock, socket"},
		{"protocol", arg(4, "Protocol", `"6", §"IPPROTO_TPC"`), "unknown protocol", `did you mean "IPPROTO_TCP"?`},
		{"family", arg(5, "Family", `"AF_INET", §"INET"`), "unknown address family", `"AF_INET"`},
		{"state", arg(4, "State", `§"TCP_LISTENING"`), "unknown socket state", `"TCP_LISTEN"`},
		{"file type", arg(0, "FileType", `"reg", §"pip"`), "unknown file type", `did you mean "pipe"?`},
		{"long string", arg(0, "Equal", `§"/`+strings.Repeat("a", 4095)+`"`), "4096 bytes can never match", ""},
		{"capabilities gained", kprobe("    args: [ {index: 0, type: cap_effective} ]\n    selectors:\n    - matchArgs:\n      - §{args: [ 0 ], operator: CapabilitiesGained}\n"), "compares two arguments", ""},
		{"capability set", kprobe("    args: [ {index: 0, type: cap_effective} ]\n    selectors:\n    - matchArgs:\n      - {index: 0, operator: Equal, values: [ \"0xff\", \"CAP_KILL,DAC_OVERRIDE\", §\"CAP_KIL\" ]}\n"), "unknown capability", `"CAP_KILL"`},
		{"return filter without return", selector("      matchReturnArgs:\n      §- {operator: Equal, values: [ \"1\" ]}\n"), "needs return: true", ""},
		{"return filter index", kprobe("    return: true\n    returnArg: {index: 0, type: int}\n    selectors:\n    - matchReturnArgs:\n      - {index: §1, operator: Equal, values: [ \"1\" ]}\n"), "has index 0", ""},
		{"return filter value", kprobe("    return: true\n    returnArg: {index: 0, type: int}\n    selectors:\n    - matchReturnArgs:\n      - {operator: Equal, values: [ §\"a\" ]}\n"), "not an integer", ""},
		{"expression", selector("      matchArgs:\n      - §operator: CelExpr\n"), "needs an expression", ""},
		{"pid operator", selector("      matchPIDs:\n      - {operator: §Equal, values: [ 1 ]}\n"), "cannot be used here", "In, NotIn"},
		{"no pids", selector("      matchPIDs:\n      - {operator: In, values: §[]}\n"), "must not be empty", ""},
		{"binary operator", selector("      matchBinaries:\n      - {operator: §Prefx, values: [ /bin ]}\n"), "unknown operator", `"Prefix"`},
		{"followChildren", selector("      matchBinaries:\n      - {operator: Prefix, values: [ /bin ], followChildren: §true}\n"), "In and NotIn only", ""},
		{"empty binary", selector("      matchParentBinaries:\n      - {operator: In, values: [ §\"\" ]}\n"), "must not be empty", ""},
		{"namespace", selector("      matchNamespaces:\n      - {namespace: §Network, operator: In, values: [ host_ns ]}\n"), "unknown namespace", "Uts, Ipc"},
		{"namespace value", selector("      matchNamespaces:\n      - {namespace: Net, operator: In, values: [ \"4026531840\", §host ]}\n"), "neither the inode number", ""},
		{"two namespace changes", selector("      matchNamespaceChanges:\n      - {operator: In, values: [ Mnt ]}\n      - §{operator: In, values: [ Net ]}\n"), "only one", ""},
		{"namespace change", selector("      matchNamespaceChanges:\n      - {operator: In, values: [ §mnt ]}\n"), "unknown namespace", `"Mnt"`},
		{"capability without CAP_", selector("      matchCapabilities:\n      - {operator: In, values: [ DAC_OVERRIDE, CAP_DAC_OVERRIDE, §SYS_ADMIN ]}\n"), "unknown capability", `"CAP_SYS_ADMIN"`},
		{"capability type", selector("      matchCapabilities:\n      - {type: §effective, operator: In, values: [ CAP_KILL ]}\n"), "unknown capability type", `"Effective"`},
		{"workload host", selector("      matchWorkloads:\n      - {hostSelector: §{matchLabels: {a: b}}}\n"), "null or empty", "write {}"},
		{"unknown macro", selector("      macros: [ §abc ]\n"), `no macro "abc"`, ""},
	})
}

func TestActionErrors(t *testing.T) {
	// mapping returns the fields as a flow mapping; a marker in front of them
	// stands for the mapping.
	mapping := func(fields string) string {
		if rest, ok := strings.CutPrefix(fields, marker); ok {
			return marker + "{" + rest + "}\n"
		}
		return "{" + fields + "}\n"
	}
	action := func(fields string) string { return selector("      matchActions:\n      - " + mapping(fields)) }
	hook := func(section, fields string) string {
		return header + "  " + section + "\n    selectors:\n    - matchActions:\n      - " + mapping(fields)
	}
	const (
		function   = "kprobes:\n  - call: fd_install\n    syscall: false"
		tracepoint = "tracepoints:\n  - subsystem: sched\n    event: sched_switch"
		lsm        = "lsmhooks:\n  - hook: file_open"
		uprobe     = "uprobes:\n  - path: /bin/a\n    symbols: [ main ]"
	)
	expectFindings(t, SeverityError, []finding{
		{"unknown", action("action: §Kill"), "unknown action", `did you mean "Sigkill"?`},
		{"wrong case", action("action: §sigkill"), "unknown action", `did you mean "Sigkill"?`},
		{"too many", selector("      matchActions: [" + strings.Repeat("{action: Post}, ", 8) + "§{action: Post}]\n"), "9 actions, the limit is 8", ""},
		{"signal without number", action("§action: Signal"), "from 1 to 64", ""},
		{"signal out of range", action("action: Signal, argSig: §65"), "not 65", ""},
		{"override of a function", hook(function, "action: §Override, argError: -1"), `not with "fd_install"`, ""},
		{"override of a tracepoint", hook(tracepoint, "action: §Override, argError: -1"), "not supported in a tracepoint", ""},
		{"override error", action("action: Override, argError: §-4096"), "out of range", ""},
		{"override with a symbol", action("§action: Override, argNewSymbol: a"), "for uprobes only", ""},
		{"override with two places", hook(uprobe, "§action: Override, argNewSymbol: a, argNewAddr: 5"), "only one of argNewSymbol", ""},
		{"override register", hook(uprobe, `action: Override, argRegs: [ "rax=11", "rbp=(%rsp)", §"rax" ]`), "not an assignment", ""},
		{"enforcer", action("action: §NotifyEnforcer, argError: -1"), "needs spec.enforcers", ""},
		{"set", action("action: §Set, argIndex: 0, argValue: 1"), "for usdts only", ""},
		{"url", action("action: GetUrl, argUrl: §ftp://a"), "http or https URL", ""},
		{"url in a uprobe", hook(uprobe, "action: §GetUrl, argUrl: http://a"), "not supported in a uprobe", ""},
		{"host", action("action: DnsLookup, argFqdn: §a..b"), "name of a host", ""},
		{"socket", action("action: TrackSock, argSock: §3"), "names args[3] (int)", ""},
		{"descriptor out of range", action("action: UnfollowFD, argFd: §6, argName: 0"), "out of range", ""},
		{"descriptor that is a socket", action("action: FollowFD, argFd: §4, argName: 0"), "not of a fitting type", ""},
		{"name that is an int", action("action: FollowFD, argFd: 3, argName: §2"), "not of a fitting type", ""},
		{"copy to a file", hook(function+"\n    args:\n    - {index: 0, type: int}\n    - {index: 1, type: file}", "action: CopyFD, argFd: 0, argName: §1"), "not of a fitting type", ""},
		{"rate limit", action("action: Post, rateLimit: §5d"), "rate limit", ""},
		{"rate limit of a kill", action("action: Sigkill, rateLimit: §5m"), "action Post only", ""},
		{"rate limit scope", action("action: Post, rateLimit: 5m, rateLimitScope: §threads"), "unknown rate limit scope", `"thread"`},
		{"lsm action", hook(lsm, "action: §TrackSock, argSock: 0"), "not supported in an lsmhook", "it can have Post"},
		{"lsm stack trace", hook(lsm, "action: Post, kernelStackTrace: §true"), "not supported in an lsmhook", ""},
		{"hash of a kprobe", action("action: Post, imaHash: §true"), "for lsmhooks only", ""},
		{"return action without return", selector("      matchReturnActions:\n      §- action: Post\n"), "needs return: true", ""},
	})
}

func TestMacroErrors(t *testing.T) {
	macros := "  selectorsMacros:\n    m:\n      matchPIDs:\n      - {operator: In, values: [ 1 ]}\n"
	with := func(macros, selector string) string {
		return header + macros + "  kprobes:\n  - call: sys_read\n    selectors:\n    - " + selector + "\n"
	}
	expectFindings(t, SeverityError, []finding{
		{"misspelt", with(macros, "macros: [ m, §n ]"), `no macro "n"`, "did you mean"},
		{"named twice", with(macros, "macros: [ m, §m ]"), "named twice", ""},
		{"field in two places", with(macros, "{macros: [ §m ], matchPIDs: [ {operator: In, values: [ 1 ]} ]}"), "sets matchPIDs", ""},
		{"nested", with("  selectorsMacros:\n    m:\n      macros: §[ m ]\n", "macros: [ m ]"), "must not name other macros", ""},
		{"error in a macro", with("  selectorsMacros:\n    m:\n      matchPIDs:\n      - {operator: §Inn, values: [ 1 ]}\n", "macros: [ m ]\n    - macros: [ m ]"), "unknown operator", `"In"`},
		{"error in an action of a macro", with("  selectorsMacros:\n    a.b:\n      matchActions:\n      - {action: §Sigkil}\n", "{matchPIDs: [ {operator: In, values: [ 1 ]} ], macros: [ a.b ]}"), "unknown action", `"Sigkill"`},
	})
}

func TestWarnings(t *testing.T) {
	expectFindings(t, SeverityWarning, []finding{
		{"no hooks", header + "  §podSelector: {}\n", "does nothing", ""},
		{"namespace", strings.Replace(header, "name: test", "name: test\n  namespace: §a", 1) + "  loader: true\n", "has no effect", "TracingPolicyNamespaced"},
		{"long message", kprobe("    message: §" + strings.Repeat("a", 257) + "\n"), "257 bytes is cut to 256", ""},
		{"long tag", kprobe("    tags: [ §" + strings.Repeat("a", 129) + " ]\n"), "129 bytes is cut to 128", ""},
		{"syscall by default", header + "  kprobes:\n  - call: §fd_install\n", "not the function of a system call", "syscall: false"},
		{"function of a system call", header + "  kprobes:\n  - {call: __x64_sys_read, syscall: §false}\n", "arguments cannot be read", "remove"},
		{"returnArg alone", kprobe("    returnArg: §{index: 0, type: int}\n"), "without return: true", "add"},
		{"ignore", kprobe("    ignore: {digestVerificationFailure: §true}\n"), "no effect on a kprobe", ""},
		{"buffer without size", kprobe("    args:\n    - §{index: 1, type: char_buf}\n"), "read as empty", "sizeArgIndex"},
		{"size of an int", kprobe("    args:\n    - {index: 1, type: int, sizeArgIndex: §3}\n"), "no effect on an argument of type int", ""},
		{"argument twice", kprobe("    args:\n    - {index: 1, type: int}\n    - {index: §1, type: int}\n"), "listed twice", ""},
		{"relative path", header + "  usdts:\n  - {path: §a, provider: b, name: c}\n", "relative", "absolute"},
		{"pattern", header + "  loader: true\n  lists:\n  - {name: a, values: [ f ], pattern: §a}\n", "generated_ftrace only", ""},
		{"empty prefix", selector("      matchArgs:\n      - {index: 0, operator: Prefix, values: [ §\"\" ]}\n"), "empty string", ""},
		{"relative prefix", selector("      matchArgs:\n      - {index: 0, operator: Prefix, values: [ §etc ]}\n"), "never matches", ""},
		{"relative binary", selector("      matchBinaries:\n      - {operator: In, values: [ §cat ]}\n"), "never matches", "absolute"},
		{"values without use", selector("      matchArgs:\n      - {index: 4, operator: SPortPriv, values: §[ \"1\" ]}\n"), "takes no values", ""},
		{"positive error", selector("      matchActions:\n      - {action: Override, argError: §1}\n"), "sees a success", "negative"},
		{"url not last", selector("      matchActions:\n      - {action: §GetUrl, argUrl: http://a}\n      - {action: NoPost}\n"), "unless it is the last", "last"},
		{"post and not", selector("      matchActions:\n      - {action: Post}\n      - {action: §NoPost}\n"), "makes Post", ""},
		{"scope alone", selector("      matchActions:\n      - {action: Post, rateLimitScope: §global}\n"), "without rateLimit", ""},
		{"stack trace of a kill", selector("      matchActions:\n      - {action: Sigkill, userStackTrace: §true}\n"), "only with Post", ""},
		{"kill at a tracepoint", header + "  tracepoints:\n  - subsystem: syscalls\n    event: sys_enter_unlink\n    selectors:\n    - matchActions: [ {action: §Sigkill} ]\n", "may precede the death", "security_"},
		{"kill at a function", header + "  kprobes:\n  - call: vfs_read\n    syscall: false\n    selectors:\n    - matchActions: [ {action: §Sigkill} ]\n", "may precede the death", "security_"},
		{"kill at a call without security hook", header + "  kprobes:\n  - call: sys_sync\n    selectors:\n    - matchActions: [ {action: §Sigkill} ]\n", "may precede the death", "security_"},
		{"unused macro", header + "  loader: true\n  selectorsMacros:\n    m: §{label: a}\n", "not used", ""},
		{"enforcement on a buffer", selector("      matchArgs:\n      - §{index: 1, operator: Equal, values: [ a ]}\n      matchActions: [ {action: Sigkill} ]\n"), "can be evaded: the caller can change the char_buf", "security_file_open"},
		{"enforcement on a string of a tracepoint", header + "  tracepoints:\n  - subsystem: syscalls\n    event: sys_enter_openat\n    args: [ {index: 6, type: string} ]\n    selectors:\n    - matchArgs:\n      - §{index: 6, operator: Equal, values: [ a ]}\n      matchActions: [ {action: Signal, argSig: 9} ]\n", "can be evaded", "security_file_open"},
	})
}

func TestNoWarningForKernelObjects(t *testing.T) {
	for name, text := range map[string]string{
		"fd":            selector("      matchArgs:\n      - {index: 0, operator: Prefix, values: [ /etc ]}\n      matchActions: [ {action: Sigkill} ]\n"),
		"only observed": selector("      matchArgs:\n      - {index: 1, operator: Prefix, values: [ a ]}\n      matchActions: [ {action: Post} ]\n"),
		"not a syscall": header + "  kprobes:\n  - call: security_x\n    syscall: false\n    args: [ {index: 0, type: string} ]\n    selectors:\n    - matchArgs: [ {index: 0, operator: Equal, values: [ a ]} ]\n      matchActions: [ {action: Sigkill} ]\n",
		"long values":   kprobe("    message: " + strings.Repeat("a", 256) + "\n    tags: [ " + strings.Repeat("b", 128) + " ]\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, diags := Parse("", []byte(text)); len(diags) > 0 {
				t.Error(render(t, text, diags))
			}
		})
	}
}

// TestActionsBeforeReturn checks the warning about a kill that a filter on
// the return value cannot hold back.
func TestActionsBeforeReturn(t *testing.T) {
	const text = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: early}
spec:
  kprobes:
  - call: sys_read
    return: true
    returnArg: {index: 0, type: int}
    selectors:
    - matchReturnArgs: [{index: 0, operator: Equal, values: ["0"]}]
      matchActions: [{action: ACTION}]
`
	for action, want := range map[string]int{"Sigkill": 1, "Post": 0, "NoPost": 0} {
		policies, diags := Parse("p", []byte(strings.Replace(text, "ACTION", action, 1)))
		if len(policies) != 1 || len(diags) != want {
			t.Fatalf("%s: %d policies, %v", action, len(policies), diags)
		}
		if want == 1 && (diags[0].Severity != SeverityWarning || !strings.Contains(diags[0].Message, "when the call begins")) {
			t.Errorf("%s: %+v", action, diags[0])
		}
	}
}
