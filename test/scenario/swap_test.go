// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/test/lab"
)

// otherPolicy shares the hook that the tries come through with the example,
// for a file of its own, so that loading it rebuilds the hook's program.
const otherPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: "other"
spec:
  lists: [{name: reading, type: syscalls, values: [sys_read, i386/sys_read]}]
  kprobes:
  - call: "list:reading"
    syscall: true
    args: [{index: 0, type: fd}]
    selectors:
    - matchArgs: [{index: 0, operator: Prefix, values: ["FILE"]}]
      matchActions: [{action: Sigkill}]
`

// minTries is how many processes try at least.
const minTries = 100

// TestSwap changes policies a hundred times and more while processes try without a
// break to read the protected file: none ever succeeds, and each try is told
// exactly once.
func TestSwap(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	secret, other := mustWrite(t, "secret", secretText), mustWrite(t, "other", secretText)
	a.AddPolicy(mustProtect(t, secret))
	w := a.Watch()
	reader := lab.Reader(t)

	ctx, stop := context.WithCancel(context.Background())
	var tries sync.WaitGroup
	var killed []uint32
	var tried atomic.Int64
	tries.Go(func() {
		for ctx.Err() == nil {
			r := lab.Run(t, exec.Command(reader, "read", secret))
			if !r.Killed() || r.Stdout != "" {
				t.Errorf("a try got through: %+v", r)
			}
			killed = append(killed, r.PID)
			tried.Add(1)
		}
	})
	for begin := time.Now(); tried.Load() < minTries && time.Since(begin) < 2*time.Minute; {
		change(t, a, strings.ReplaceAll(otherPolicy, "FILE", other))
	}
	stop()
	tries.Wait()
	w.Settle()
	t.Logf("%d tries while policies changed", len(killed))
	if len(killed) < minTries {
		t.Errorf("only %d tries while policies changed", len(killed))
	}
	counts := map[string]int{}
	for _, e := range w.AwaitN("event of each try", len(killed), lab.Kprobe(protect)) {
		counts[e.GetProcessKprobe().GetProcess().GetExecId()]++
	}
	for id, n := range counts {
		if n != 1 {
			t.Errorf("%d events of one try, %s", n, id)
		}
	}
	if len(counts) != len(killed) {
		t.Errorf("%d tries and events of %d processes", len(killed), len(counts))
	}
}

// change adds, changes and deletes another policy on the same hooks.
func change(t *testing.T, a *lab.Agent, policy string) {
	t.Helper()
	ctx := context.Background()
	monitor, enforce := tetragon.TracingPolicyMode_TP_MODE_MONITOR, tetragon.TracingPolicyMode_TP_MODE_ENFORCE
	off := false
	for i := range 25 {
		_, add := a.Client.AddTracingPolicy(ctx, &tetragon.AddTracingPolicyRequest{Yaml: policy})
		_, toMonitor := a.Client.ConfigureTracingPolicy(ctx, &tetragon.ConfigureTracingPolicyRequest{Name: "other", Mode: &monitor})
		if i%2 == 0 {
			_, toMonitor = a.Client.ConfigureTracingPolicy(ctx, &tetragon.ConfigureTracingPolicyRequest{Name: "other", Mode: &enforce})
		}
		_, disable := a.Client.ConfigureTracingPolicy(ctx, &tetragon.ConfigureTracingPolicyRequest{Name: "other", Enable: &off})
		_, remove := a.Client.DeleteTracingPolicy(ctx, &tetragon.DeleteTracingPolicyRequest{Name: "other"})
		for step, err := range map[string]error{"add": add, "mode": toMonitor, "disable": disable, "delete": remove} {
			if err != nil {
				t.Fatal(fmt.Errorf("change %d, %s: %w", i, step, err))
			}
		}
	}
}
