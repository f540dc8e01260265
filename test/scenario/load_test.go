// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-io/vedette/test/lab"
)

// longEnv makes the load test as long as its goal says, a minute.
const longEnv = "VEDETTE_LONG"

// storms run at once, each a thousand execs a second: storm's pace.
const storms = 2

// TestLoad starts 2,000 processes a second with the export on, for ten
// seconds, or sixty when VEDETTE_LONG is set: not one event is missing.
func TestLoad(t *testing.T) {
	lab.Privileged(t)
	lab.RealSpeed(t)
	seconds := 10
	if os.Getenv(longEnv) != "" {
		seconds = 60
	}
	dir := t.TempDir()
	export := filepath.Join(dir, "events.log")
	a := lab.StartAgent(t, "--export-filename", export, "--export-file-max-size-mb", "1000")
	target := lab.Tiny(t)
	n := seconds * 1000
	took := runStorms(t, n, target)
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d execs in %v: %.0f a second", storms*n, took, float64(storms*n)/took.Seconds())
	execs, exits := count(t, export, target)
	if execs != storms*n || exits != storms*n {
		t.Errorf("%d execs and %d exits of %d processes", execs, exits, storms*n)
	}
}

// runStorms runs the storms and returns how long the longest took.
func runStorms(t *testing.T, n int, target string) time.Duration {
	t.Helper()
	var took [storms]time.Duration
	var wait sync.WaitGroup
	proc := lab.Proc(t)
	for i := range storms {
		wait.Go(func() {
			r := lab.Run(t, exec.Command(proc, "storm", strconv.Itoa(n), target))
			ms, err := strconv.Atoi(strings.TrimSpace(r.Stdout))
			if r.Code != 0 || err != nil {
				t.Errorf("storm: %+v", r)
			}
			took[i] = time.Duration(ms) * time.Millisecond
		})
	}
	wait.Wait()
	return max(took[0], took[1])
}

// count counts the different processes of a binary that the file tells of,
// and fails when it tells of a loss.
func count(t *testing.T, export, binary string) (execs, exits int) {
	t.Helper()
	began, ended := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(mustRead(t, export)) {
		if strings.Contains(line, "vedette_lost_events") {
			t.Errorf("loss: %s", line)
		}
		// Most of the time of the test would be spent on decoding.
		if !strings.Contains(line, `"binary":"`+binary+`"`) {
			continue
		}
		e := mustEvent(t, []byte(line))
		if p := e.GetProcessExec().GetProcess(); p.GetBinary() == binary {
			began[p.GetExecId()] = true
		}
		if p := e.GetProcessExit().GetProcess(); p.GetBinary() == binary {
			ended[p.GetExecId()] = true
		}
	}
	return len(began), len(ended)
}

// TestLoss stops the agent while more happens than a tiny ring holds: what
// is lost is told, to clients and in the export, and the count is right.
func TestLoss(t *testing.T) {
	lab.Privileged(t)
	export := filepath.Join(t.TempDir(), "events.log")
	a := lab.StartAgent(t, "--export-filename", export, "--export-file-max-size-mb", "1000", "--rb-size-total", "4K")
	w := a.Watch()
	a.Signal(syscall.SIGSTOP)
	const n = 2000
	target := lab.Tiny(t)
	for range n {
		lab.Run(t, exec.Command(target))
	}
	a.Signal(syscall.SIGCONT)
	w.Await("report of the loss", func(e *lab.Event) bool { return e.GetVedetteLostEvents().GetCount() > 0 })
	w.Settle()
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	lost, seen := uint64(0), 0
	for line := range strings.Lines(mustRead(t, export)) {
		if strings.Contains(line, `"vedette_lost_events"`) {
			lost += mustEvent(t, []byte(line)).GetVedetteLostEvents().GetCount()
		}
		if strings.Contains(line, `"binary":"`+target+`"`) {
			seen++
		}
	}
	t.Logf("%d of %d events seen, %d told to be lost", seen, 2*n, lost)
	// Each process makes three records: fork, exec and exit.
	if missing := uint64(2*n - seen); missing == 0 || lost < missing || lost > 4*n {
		t.Errorf("%d events are missing, %d are told to be lost", missing, lost)
	}
}
