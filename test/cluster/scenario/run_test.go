// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// stepTime is how long one command may take.
const stepTime = 3 * time.Minute

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
}

// try runs a command that reaches the cluster to its end, with a text as its input.
func try(tb testing.TB, input string, argv ...string) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), stepTime)
	defer cancel()
	cmd := cluster.Command(ctx, argv...)
	cmd.Dir = root(".")
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		tb.Fatalf("%s: %v %v\n%s%s", strings.Join(argv, " "), err, ctx.Err(), stdout.String(), stderr.String())
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// mustRun runs a command that must succeed, and returns what it printed.
func mustRun(tb testing.TB, argv ...string) string {
	tb.Helper()
	r := try(tb, "", argv...)
	if r.code != 0 {
		tb.Fatalf("%s: status %d\n%s%s", strings.Join(argv, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// mustLine runs a command line, split at spaces.
func mustLine(tb testing.TB, line string) string {
	tb.Helper()
	return mustRun(tb, strings.Fields(line)...)
}

// eventually tries until a condition holds, for at most that time. The last reason why not is the failure.
func eventually(tb testing.TB, what string, limit time.Duration, try func() error) {
	tb.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// agentOn is the name of the agent's pod on a node.
func agentOn(tb testing.TB, node string) string {
	tb.Helper()
	name := mustRun(tb, "kubectl", "-n", "kube-system", "get", "pods", "-l", "app.kubernetes.io/name=vedette",
		"--field-selector", "spec.nodeName="+node, "-o", "jsonpath={.items[*].metadata.name}")
	if name == "" || strings.Contains(name, " ") {
		tb.Fatalf("agents on %s: %q", node, name)
	}
	return name
}

// nodeOf is the name of the node that a pod of the default namespace is on.
func nodeOf(tb testing.TB, pod string) string {
	tb.Helper()
	return mustRun(tb, "kubectl", "get", "pod", pod, "-o", "jsonpath={.spec.nodeName}")
}
