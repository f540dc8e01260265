// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPreempts(t *testing.T) {
	for _, c := range []struct {
		name, build, modes string
		err                error
		want               bool
	}{
		{"server", "#1 SMP Debian 5.10.262-1 (2026-07-31)", "", errors.New("not asked"), false},
		{"preemptible", "#1 SMP PREEMPT Mon Nov 23", "", errors.New("not asked"), true},
		{"real time", "#1 SMP PREEMPT_RT Debian", "", errors.New("not asked"), true},
		{"none", "#1 SMP PREEMPT_DYNAMIC", "(none) voluntary full", nil, false},
		{"voluntary", "#1 SMP PREEMPT_DYNAMIC", "none (voluntary) full lazy", nil, false},
		{"full", "#1 SMP PREEMPT_DYNAMIC", "none voluntary (full)", nil, true},
		{"lazy", "#1 SMP PREEMPT_DYNAMIC", "full (lazy)", nil, true},
		{"not told", "#1 SMP PREEMPT_DYNAMIC", "", errors.New("no debugfs"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := preempts(c.build, func() (string, error) { return c.modes, c.err }); got != c.want {
				t.Errorf("preempts is %v", got)
			}
		})
	}
}

// TestPreemptMode holds that debugfs is read as it is on the running kernel.
func TestPreemptMode(t *testing.T) {
	if Privileged() != nil {
		t.Skip("mounting debugfs needs root")
	}
	text, err := preemptMode()
	if isAbsent(err) || errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	if err != nil || !strings.Contains(text, "(") || !strings.Contains(text, ")") {
		t.Errorf("modes %q, error %v", text, err)
	}
	t.Log(buildOf(), text)
}
