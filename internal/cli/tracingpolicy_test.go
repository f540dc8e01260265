// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/policy"
)

const goodPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: good
spec:
  tracepoints: # why not
  - subsystem: raw_syscalls
    event: sys_enter
    args:
    - index: 4
      type: syscall64
`

func TestPolicyAdd(t *testing.T) {
	file := mustWrite(t, "good.yaml", goodPolicy)
	f := mustServe(t, &fakeAgent{})
	session{}.run(t, "tp", "add", file, "--domain", "mine", "--server-address", f.address).
		check(t, 0, "tracing policy \""+file+"\" added\n", "")
	session{stdin: goodPolicy}.run(t, "tp", "add", "-", "--server-address", f.address).
		check(t, 0, "tracing policy \"-\" added\n", "")
	want := []proto.Message{
		&tetragon.AddTracingPolicyRequest{Yaml: goodPolicy, Domain: "mine"},
		&tetragon.AddTracingPolicyRequest{Yaml: goodPolicy},
	}
	if diff := cmp.Diff(want, f.received(), protocmp.Transform()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestPolicyAddMode(t *testing.T) {
	f := mustServe(t, &fakeAgent{})
	if got := (session{}).run(t, "tp", "add", mustWrite(t, "good.yaml", goodPolicy), "-m", "monitor", "--server-address", f.address); got.status != 0 {
		t.Fatal(got)
	}
	text := f.received()[0].(*tetragon.AddTracingPolicyRequest).GetYaml()
	if !strings.Contains(text, "# why not") {
		t.Errorf("a comment is lost in\n%s", text)
	}
	checkMode(t, text, "monitor")
}

// checkMode checks the mode that a policy asks for.
func checkMode(tb testing.TB, text, want string) {
	tb.Helper()
	policies, diagnostics := policy.Parse("test", []byte(text))
	if len(policies) != 1 || policy.HasErrors(diagnostics) {
		tb.Fatalf("%v in\n%s", diagnostics, text)
	}
	options := policies[0].Spec.Options
	if len(options) != 1 || options[0].Name != modeOption || options[0].Value != want {
		tb.Errorf("options %v, want mode %s", options, want)
	}
}

func TestPolicyAddErrors(t *testing.T) {
	dir := t.TempDir()
	session{}.run(t, "tp", "add", dir).check(t, 1, "", "vedette: read policy: "+dir+" is a directory, not a policy file\n")

	// What an agent says of a good policy is told as it is.
	f := mustServe(t, &fakeAgent{err: status.Error(codes.AlreadyExists, "policy good is there already")})
	file := mustWrite(t, "good.yaml", goodPolicy)
	session{}.run(t, "tp", "add", file, "--server-address", f.address).
		check(t, 1, "", "vedette: add "+file+": policy good is there already\n")

	// What is wrong with a policy is shown in its text.
	bad := mustWrite(t, "bad.yaml", strings.Replace(goodPolicy, "subsystem", "subsytem", 1))
	got := session{}.run(t, "tp", "add", bad, "--server-address", f.address)
	for _, want := range []string{bad + ":7:5: error: ", "did you mean \"subsystem\"?", "- subsytem: raw_syscalls\n", "^\n", "vedette: " + bad + ": "} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("standard error %q lacks %q", got.stderr, want)
		}
	}
}

func TestPolicyModify(t *testing.T) {
	for name, options := range map[string]string{
		"without options": "",
		"null":            "  options:\n",
		"empty":           "  options: []\n",
		"other mode":      "  options:\n  - name: policy-mode\n    value: enforce\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := session{stdin: goodPolicy + options}.run(t, "tp", "modify", "-m", "monitor", "-")
			if got.status != 0 || got.stderr != "" {
				t.Fatal(got)
			}
			checkMode(t, got.stdout, "monitor")
		})
	}
	two := session{stdin: goodPolicy + "---\n" + strings.Replace(goodPolicy, "good", "better", 1)}.run(t, "tp", "modify", "-m", "enforce", "-")
	if got := strings.Count(two.stdout, "value: enforce"); got != 2 {
		t.Errorf("mode set %d times in\n%s", got, two.stdout)
	}
	for text, want := range map[string]string{
		"a: b":               "line 1: the policy has no spec",
		"- a":                "line 1: expected a policy resource",
		"# nothing":          "there is no policy in the text",
		"spec: {options: 3}": "line 1: spec.options is not a list",
	} {
		session{stdin: text}.run(t, "tp", "modify", "-m", "enforce", "-").check(t, 1, "", "vedette: <stdin>: "+want+"\n")
	}
	session{}.run(t, "tp", "modify", "x").check(t, exitUsage, "", "vedette: modify needs --mode (see \"vedette tracingpolicy modify --help\")\n")
}

func TestPolicyChanges(t *testing.T) {
	monitor := tetragon.TracingPolicyMode_TP_MODE_MONITOR
	for _, test := range []struct {
		args    []string
		stdout  string
		request proto.Message
	}{
		{
			[]string{"delete", "p"}, "tracing policy \"p\" deleted\n",
			&tetragon.DeleteTracingPolicyRequest{Name: "p"},
		},
		{
			[]string{"delete", "p", "-n", "ns", "--domain", "k8s"}, "tracing policy \"p\" deleted\n",
			&tetragon.DeleteTracingPolicyRequest{Name: "p", Namespace: "ns", Domain: "k8s"},
		},
		{
			[]string{"enable", "p"}, "tracing policy \"p\" enabled\n",
			&tetragon.ConfigureTracingPolicyRequest{Name: "p", Enable: new(true)},
		},
		{
			[]string{"disable", "p", "-n", "ns"}, "tracing policy \"p\" disabled\n",
			&tetragon.ConfigureTracingPolicyRequest{Name: "p", Namespace: "ns", Enable: new(false)},
		},
		{
			[]string{"set-mode", "p", "monitor", "--domain", "static"}, "tracing policy \"p\" set to mode monitor\n",
			&tetragon.ConfigureTracingPolicyRequest{Name: "p", Domain: "static", Mode: &monitor},
		},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			f := mustServe(t, &fakeAgent{})
			args := append([]string{"tracingpolicy"}, test.args...)
			session{}.run(t, append(args, "--server-address", f.address)...).check(t, 0, test.stdout, "")
			if diff := cmp.Diff([]proto.Message{test.request}, f.received(), protocmp.Transform()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func listedPolicies() *tetragon.ListTracingPoliciesResponse {
	return &tetragon.ListTracingPoliciesResponse{Policies: []*tetragon.TracingPolicyStatus{
		{
			Id: 2, Name: "partial", Namespace: "shop", Domain: "k8s", FilterId: 2,
			Sensors: []string{"__enforcer__", "generic_kprobe"}, State: tetragon.TracingPolicyState_TP_STATE_PARTIALLY_ENABLED,
			KernelMemoryBytes: 1_234_567, Mode: tetragon.TracingPolicyMode_TP_MODE_MONITOR_ONLY,
			HookStatuses: []*tetragon.HookStatus{
				{Section: "kprobes", HookDescription: "sys_read", State: tetragon.HookState_STATUS_LOADED, VedetteAttachment: "raw syscall tracepoint"},
				{Section: "kprobes", HookIdx: 1, HookDescription: "no_such_call", State: tetragon.HookState_STATUS_CALL_NOT_FOUND},
			},
		},
		{
			Id: 1, Name: "protect-secret", Domain: "static", Sensors: []string{"generic_kprobe"},
			State: tetragon.TracingPolicyState_TP_STATE_ENABLED, KernelMemoryBytes: 4096, Mode: tetragon.TracingPolicyMode_TP_MODE_ENFORCE,
			Stats: &tetragon.TracingPolicyStats{ActionCounters: &tetragon.TracingPolicyActionCounters{
				Post: 9, Signal: 1, Override: 2, NotifyEnforcer: 3, Set: 4, MonitorSignal: 10, MonitorOverride: 20, MonitorNotifyEnforcer: 30, MonitorSet: 40,
			}},
			HookStatuses: []*tetragon.HookStatus{{Section: "kprobes", HookDescription: "sys_read", State: tetragon.HookState_STATUS_LOADED, VedetteAttachment: "fentry", VedetteCaveat: "no more than\na try"}},
		},
		{Id: 3, Name: "bad\tname\x1b[1m", State: tetragon.TracingPolicyState_TP_STATE_LOAD_ERROR, Error: "no such function"},
	}}
}

func TestPolicyList(t *testing.T) {
	f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{"ListTracingPoliciesResponse": listedPolicies()}})
	const header = "ID   NAME             DOMAIN   STATE               FILTERID   NAMESPACE   SENSORS                       KERNELMEMORY   MODE           NPOST   NENFORCE   NMONITOR\n"
	const first = "1    protect-secret   static   enabled             0          (global)    generic_kprobe                4.10 kB        enforce        9       10         100\n"
	const second = "2    partial          k8s      partially_enabled   2          shop        __enforcer__,generic_kprobe   1.23 MB        monitor_only   0       0          0\n"
	const third = "3    bad name [1m              load_error          0          (global)                                  0 B            unknown        0       0          0\n"
	session{}.run(t, "tp", "list", "--server-address", f.address).check(t, 0, header+first+second+
		"  SECTION   CFGIDX   DESCRIPTION    STATUS\n"+
		"  kprobes   0        sys_read       loaded\n"+
		"  kprobes   1        no_such_call   call_not_found\n"+third, "")
	session{}.run(t, "tp", "ls", "-o", "wide", "--domain", "d", "--server-address", f.address).check(t, 0, header+first+
		"  SECTION   CFGIDX   DESCRIPTION   STATUS   ATTACHMENT\n"+
		"  kprobes   0        sys_read      loaded   fentry\n  note: kprobes[0] sys_read: no more than a try\n"+second+
		"  SECTION   CFGIDX   DESCRIPTION    STATUS           ATTACHMENT\n"+
		"  kprobes   0        sys_read       loaded           raw syscall tracepoint\n"+
		"  kprobes   1        no_such_call   call_not_found   -\n"+third+
		"  error: no such function\n", "")
	if got := f.received()[1].(*tetragon.ListTracingPoliciesRequest).GetDomain(); got != "d" {
		t.Errorf("domain %q was asked for", got)
	}
}

func TestPolicyListJSON(t *testing.T) {
	f := mustServe(t, &fakeAgent{answers: map[string]proto.Message{
		"ListTracingPoliciesResponse": &tetragon.ListTracingPoliciesResponse{Policies: []*tetragon.TracingPolicyStatus{{Id: 1, Name: "p", State: 1}}},
		"ListDomainsResponse":         &tetragon.ListDomainsResponse{Domains: []string{"grpc", "static"}},
	}})
	session{}.run(t, "tp", "list", "-o", "json", "--server-address", f.address).
		check(t, 0, `{"policies":[{"id":"1","name":"p","state":"TP_STATE_ENABLED"}]}`+"\n", "")
	session{}.run(t, "tp", "domains", "--server-address", f.address).check(t, 0, "grpc\nstatic\n", "")
	session{}.run(t, "tp", "domains", "-o", "json", "--server-address", f.address).check(t, 0, `{"domains":["grpc","static"]}`+"\n", "")
}

func TestFormatSize(t *testing.T) {
	for size, want := range map[uint64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 999_994: "999.99 kB", 5_000_000: "5.00 MB", 2_500_000_000: "2.50 GB", 1<<64 - 1: "18.45 EB",
	} {
		if got := formatSize(size); got != want {
			t.Errorf("formatSize(%d) = %q, want %q", size, got, want)
		}
	}
}

func TestPolicyGenerate(t *testing.T) {
	for _, args := range [][]string{{"empty"}, {"all-syscalls"}, {"all-syscalls", "-m", `/usr/bin/cat,/bin/a\b: c`}} {
		got := session{}.run(t, append([]string{"tp", "generate"}, args...)...)
		policies, diagnostics := policy.Parse("generated", []byte(got.stdout))
		if got.status != 0 || len(policies) != 1 || policy.HasErrors(append(diagnostics, compileDiagnostics(policies)...)) {
			t.Errorf("%v: %d, %v in\n%s", args, got.status, diagnostics, got.stdout)
			continue
		}
		if len(args) == 3 {
			values := policies[0].Spec.Tracepoints[0].Selectors[0].MatchBinaries[0].Values
			if diff := cmp.Diff([]string{"/usr/bin/cat", `/bin/a\b: c`}, values); diff != "" {
				t.Errorf("binaries (-want +got):\n%s", diff)
			}
		}
	}
}

func TestPolicyTooLarge(t *testing.T) {
	file, err := os.Create(mustWrite(t, "large.yaml", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	got := session{}.run(t, "tp", "lint", file.Name())
	if want := file.Name() + ": error: policy file is too large: "; got.status != 1 || !strings.HasPrefix(got.stdout, want) {
		t.Errorf("status %d, %q, want %q", got.status, got.stdout, want)
	}
}
