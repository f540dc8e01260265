// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/filter"
)

// receiver collects the messages that come to a listener of streams.
type receiver struct {
	listener net.Listener
	group    sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
	messages []string
}

// mustReceive listens and collects the messages that read finds, until the test ends.
func mustReceive(tb testing.TB, network, address string, read func(*bufio.Reader) (string, error)) *receiver {
	tb.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	r := &receiver{listener: l}
	r.group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.conns = append(r.conns, conn)
			r.mu.Unlock()
			r.group.Go(func() {
				buffered := bufio.NewReader(conn)
				for {
					message, err := read(buffered)
					if err != nil {
						return
					}
					r.mu.Lock()
					r.messages = append(r.messages, message)
					r.mu.Unlock()
				}
			})
		}
	})
	tb.Cleanup(r.stop)
	return r
}

// stop ends the listener and its connections.
func (r *receiver) stop() {
	_ = r.listener.Close() // a second time it fails
	r.mu.Lock()
	for _, conn := range r.conns {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.messages...)
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// readCounted reads a message with its length before it.
func readCounted(r *bufio.Reader) (string, error) {
	count, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(count, " "))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(r, message)
	return string(message), err
}

// mustOpenSpecs opens the exports of a document as one fan-out, which tries again quickly.
func mustOpenSpecs(tb testing.TB, text string) *FanOut {
	tb.Helper()
	specs, err := ParseSpecs("test.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	if err := CheckSpecs(specs); err != nil {
		tb.Fatal(err)
	}
	var exporters []*Exporter
	for _, spec := range specs {
		e, err := OpenSpec(spec, Source{NodeName: "node"}, filter.Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			tb.Fatal(err)
		}
		exporters = append(exporters, e)
	}
	f := NewFanOut(exporters...)
	tb.Cleanup(func() { _ = closeFanOut(f, time.Second) })
	return f
}

func closeFanOut(f *FanOut, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var err error
	for _, failed := range f.Close(ctx) {
		err = errors.Join(err, failed)
	}
	return err
}

// tally counts the events in JSON lines and what they report lost.
func tally(tb testing.TB, lines []string) (events, lost int) {
	tb.Helper()
	for _, line := range lines {
		m := &tetragon.GetEventsResponse{}
		if err := protojson.Unmarshal([]byte(line), m); err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		if report := m.GetVedetteLostEvents(); report != nil {
			lost += int(report.Count)
		} else {
			events++
		}
	}
	return events, lost
}

func fileLines(tb testing.TB, path string) []string {
	tb.Helper()
	return strings.Split(strings.TrimSuffix(mustRead(tb, path), "\n"), "\n")
}

// TestDeadDestination has a receiver that comes late, goes and comes again, beside a file.
func TestDeadDestination(t *testing.T) {
	probe := mustReceive(t, "tcp", "127.0.0.1:0", readLine)
	address := probe.listener.Addr().String()
	probe.stop()
	file := filepath.Join(t.TempDir(), "all.log")
	f := mustOpenSpecs(t, fmt.Sprintf(`exports:
- {name: dead, destination: "tcp://%s", bufferBytes: 65536}
- {name: file, destination: "file://%s"}
`, address, file))
	const n = 5000
	for i := range n {
		f.Export(execEvent(uint32(i+1), strings.Repeat("x", 50)))
	}
	eventually(t, "the failure is seen", func() bool { return f.Stats()[0].Failing != "" })
	stats := f.Stats()[0]
	if stats.Name != "dead" || stats.Dropped == 0 || stats.Accepted+stats.Dropped != n || stats.Written != 0 || stats.Failures == 0 {
		t.Errorf("dead: %+v", stats)
	}
	late := mustReceive(t, "tcp", address, readLine)
	eventually(t, "the receiver that came late has all that was kept", func() bool {
		events, lost := tally(t, late.got())
		return events+lost == n && lost == int(stats.Dropped)
	})
	eventually(t, "the failure is over", func() bool { return f.Stats()[0].Failing == "" })
	late.stop()
	again := mustReceive(t, "tcp", address, readLine)
	f.Export(execEvent(1, "again")) // the closed connection is noticed before it is written to
	eventually(t, "the event comes", func() bool { return len(again.got()) == 1 })
	if err := closeFanOut(f, 10*time.Second); err != nil {
		t.Error(err)
	}
	if events, lost := tally(t, fileLines(t, file)); events != n+1 || lost != 0 {
		t.Errorf("file: %d events, %d lost: want all", events, lost)
	}
}

// TestSlowDestination has a receiver that never reads: it costs the others nothing, and its memory is bounded.
func TestSlowDestination(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "all.log")
	f := mustOpenSpecs(t, fmt.Sprintf(`exports:
- {name: slow, destination: "tcp://%s", bufferBytes: 262144}
- {name: file, destination: "file://%s", bufferBytes: 134217728, file: {maxSizeMB: 1000}}
`, l.Addr(), file))
	const n = 600 // more than the kernel buffers for the connection
	for i := range n {
		f.Export(execEvent(uint32(i+1), strings.Repeat("x", 50<<10)))
		time.Sleep(time.Millisecond)
	}
	if stats := f.Stats()[0]; stats.Dropped == 0 || stats.Accepted+stats.Dropped != n {
		t.Errorf("slow: %+v", stats)
	}
	if size := cap(f.exporters[0].writer.buffer.active); size > 2*262144 {
		t.Errorf("the buffer has grown to %d bytes", size)
	}
	err = closeFanOut(f, 2*time.Second) // it must not wait for the receiver
	if err == nil || !strings.Contains(err.Error(), "export slow: close export to tcp://") || !strings.Contains(err.Error(), "lines not written") {
		t.Errorf("close: %v", err)
	}
	select {
	case <-f.exporters[0].writer.done:
	default:
		t.Error("the writer's goroutine is left behind")
	}
	if events, lost := tally(t, fileLines(t, file)); events != n || lost != 0 {
		t.Errorf("file: %d events, %d lost: want all", events, lost)
	}
}

// TestFullDiskBesideOthers fills the file system of one export.
func TestFullDiskBesideOthers(t *testing.T) {
	full := filepath.Join(mustMountTmpfs(t, "64k"), "full.log")
	file := filepath.Join(t.TempDir(), "all.log")
	f := mustOpenSpecs(t, fmt.Sprintf(`exports:
- {name: full, destination: "file://%s", bufferBytes: 65536}
- {name: file, destination: "file://%s"}
`, full, file))
	n := 0
	eventually(t, "the disk is full and the buffer too", func() bool {
		n++
		f.Export(execEvent(1, strings.Repeat("x", 1000)))
		stats := f.Stats()[0]
		return stats.Failures > 0 && stats.Dropped > 0
	})
	if stats := f.Stats()[0]; !strings.Contains(stats.Failing, "no space left") || !strings.Contains(stats.String(), "; failing: ") {
		t.Errorf("full: %v", stats)
	}
	if err := os.Truncate(full, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is written again", func() bool { return f.Stats()[0].Failing == "" })
	_ = closeFanOut(f, 10*time.Second) // the small disk may be full again
	if stats := f.Stats()[0]; stats.Accepted+stats.Dropped < uint64(n) {
		t.Errorf("full: %+v of %d events", stats, n)
	}
	if events, lost := tally(t, fileLines(t, file)); events != n || lost != 0 {
		t.Errorf("file: %d events, %d lost: want all", events, lost)
	}
}

// TestExportsAreIndependent checks that each export has its own filters, fields and rate limit.
func TestExportsAreIndependent(t *testing.T) {
	dir := t.TempDir()
	f := mustOpenSpecs(t, strings.ReplaceAll(`exports:
- {name: all, destination: "file://DIR/all"}
- {name: two, destination: "file://DIR/two", allowList: [{pid: [2]}]}
- name: others
  destination: file://DIR/others
  denyList:
  - pid: [2]
  fieldFilters:
  - fields: parent
    action: EXCLUDE
- {name: limited, destination: "file://DIR/limited", rateLimit: 1}
`, "DIR", dir))
	for pid := range uint32(4) {
		f.Export(execEvent(pid+1, "a"))
	}
	if got := f.Stats()[3].RateLimited; got != 3 {
		t.Errorf("%d limited, want 3", got)
	}
	if err := closeFanOut(f, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"all": 4, "two": 1, "others": 3, "limited": 2} {
		lines := fileLines(t, filepath.Join(dir, name))
		if len(lines) != want {
			t.Errorf("%s: %d lines, want %d", name, len(lines), want)
		}
		if got, want := strings.Count(lines[0], `"parent":`), 1; (got == want) == (name == "others") {
			t.Errorf("%s: the field filter of one export holds for another: %s", name, lines[0])
		}
	}
	if text := mustRead(t, filepath.Join(dir, "limited")); !strings.Contains(text, `"number_of_dropped_process_events":"3"`) {
		t.Errorf("limited: %s", text)
	}
}

var rfc5424 = regexp.MustCompile(`^<(\d+)>1 (\S+) (\S+) vedette \d+ (\S+) (-|\[(?:[^\]\\]|\\.)*\]) (\{.*\})$`)

func policyEvent(action event.Action) *event.Event {
	e := execEvent(7, "a")
	e.Kind, e.NodeName = event.KindKprobe, "node 1"
	e.Process.Binary = "/bin/a\"b]c\\d\ne"
	e.Hook.PolicyName, e.Hook.Action = "deny", action
	return e
}

// TestSyslog sends to every kind of receiver and looks at the messages.
func TestSyslog(t *testing.T) {
	check := func(t *testing.T, got []string) {
		t.Helper()
		if len(got) != 2 {
			t.Fatalf("%d messages: %q", len(got), got)
		}
		for i, want := range []struct{ pri, id, data string }{
			{"134", "PROCESS_EXEC", `[vedette@32473 pid="1" binary="/bin/cat"]`},
			{"132", "PROCESS_KPROBE", `[vedette@32473 pid="7" binary="/bin/a\"b\]c\\d?e" policy="deny" action="SIGKILL"]`},
		} {
			m := rfc5424.FindStringSubmatch(got[i])
			if m == nil {
				t.Fatalf("%q is no message", got[i])
			}
			if m[1] != want.pri || m[2] != "2023-11-14T22:13:20.000000Z" || m[3] != "node" || m[4] != want.id || m[5] != want.data {
				t.Errorf("message %q, want %+v", got[i], want)
			}
			if events, _ := tally(t, m[6:]); events != 1 {
				t.Errorf("message %q has no event", got[i])
			}
		}
	}
	export := func(t *testing.T, destination string, received func() []string) {
		t.Helper()
		f := mustOpenSpecs(t, fmt.Sprintf("exports:\n- {name: s, destination: \"%s\", facility: local0}\n", destination))
		f.Export(execEvent(1, "a"))
		f.Export(policyEvent(tetragon.KprobeAction_KPROBE_ACTION_SIGKILL))
		eventually(t, "both messages come", func() bool { return len(received()) == 2 })
		check(t, received())
	}
	t.Run("tcp", func(t *testing.T) {
		r := mustReceive(t, "tcp", "127.0.0.1:0", readCounted)
		export(t, "syslog+tcp://"+r.listener.Addr().String(), r.got)
	})
	t.Run("unix stream", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		r := mustReceive(t, "unix", path, readCounted)
		export(t, "syslog+unix://"+path, r.got)
	})
	for network, address := range map[string]string{"udp": "127.0.0.1:0", "unixgram": filepath.Join(t.TempDir(), "gram")} {
		t.Run(network, func(t *testing.T) {
			conn, err := net.ListenPacket(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			var got []string
			buffer := make([]byte, maxDatagram)
			scheme := map[string]string{"udp": "syslog+udp", "unixgram": "syslog+unix"}[network]
			export(t, scheme+"://"+conn.LocalAddr().String(), func() []string {
				_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // what it fails for, ReadFrom tells
				if n, _, err := conn.ReadFrom(buffer); err == nil {
					got = append(got, string(buffer[:n]))
				}
				return got
			})
		})
	}
}

func TestSeverity(t *testing.T) {
	for _, c := range []struct {
		event *event.Event
		want  int
	}{
		{&event.Event{Kind: event.KindExit}, severityInfo},
		{&event.Event{Kind: event.KindLost}, severityError},
		{&event.Event{Kind: event.KindThrottle}, severityWarning},
		{policyEvent(tetragon.KprobeAction_KPROBE_ACTION_POST), severityNotice},
		{policyEvent(event.ActionOmitted), severityNotice},
		{policyEvent(tetragon.KprobeAction_KPROBE_ACTION_OVERRIDE), severityWarning},
	} {
		if got := severity(c.event); got != c.want {
			t.Errorf("%v %v: severity %d, want %d", c.event.Kind, c.event.Hook.Action, got, c.want)
		}
	}
	if got := string(newSyslog(1, "").appendHeader(nil, &event.Event{Kind: event.KindLost})); !strings.HasPrefix(got, "<11>1 - - vedette ") || !strings.HasSuffix(got, " VEDETTE_LOST_EVENTS - ") {
		t.Errorf("header %q", got)
	}
}

// TestLongDatagram loses what no datagram can carry, and nothing else.
func TestLongDatagram(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f := mustOpenSpecs(t, fmt.Sprintf("exports:\n- {name: s, destination: \"syslog+udp://%s\"}\n", conn.LocalAddr()))
	f.Export(execEvent(1, strings.Repeat("x", maxDatagram)))
	f.Export(execEvent(2, "a"))
	eventually(t, "the second is sent", func() bool { return f.Stats()[0].Written >= 1 })
	if stats := f.Stats()[0]; stats.Dropped != 1 || stats.Failing != "" {
		t.Errorf("%+v", stats)
	}
}

// brokenConn takes a number of bytes and then fails.
type brokenConn struct {
	net.Conn
	room int
	got  []byte
}

func (c *brokenConn) Write(p []byte) (int, error) {
	n := min(len(p), c.room)
	c.got, c.room = append(c.got, p[:n]...), c.room-n
	if n < len(p) {
		return n, errors.New("broken")
	}
	return n, nil
}
func (*brokenConn) SetWriteDeadline(time.Time) error { return nil }

// TestBrokenInTheMiddle breaks a connection after every number of bytes: exactly the messages that went out whole
// are taken for sent.
func TestBrokenInTheMiddle(t *testing.T) {
	lines := []byte("one\nthree words here\n\nfour\n")
	for _, how := range []struct {
		framing framing
		whole   string
	}{{byNewline, string(lines)}, {byCount, "3 one16 three words here0 4 four"}} {
		for room := range len(how.whole) + 1 {
			conn := &brokenConn{room: room}
			r := &remote{conn: conn, framing: how.framing, ctx: t.Context()}
			n, err := r.send(lines)
			if (err == nil) != (room == len(how.whole)) {
				t.Fatalf("%d bytes: error %v", room, err)
			}
			read := readLine
			if how.framing == byCount {
				read = readCounted
			}
			received, messages := bufio.NewReader(strings.NewReader(string(conn.got))), 0
			for _, err := read(received); err == nil; _, err = read(received) {
				messages++
			}
			if sent := strings.Count(string(lines[:n]), "\n"); sent != messages {
				t.Errorf("framing %d, %d bytes: %d lines are taken for sent, the receiver has %d", how.framing, room, sent, messages)
			}
		}
	}
}

func TestParseDestination(t *testing.T) {
	for _, good := range []string{"file:///var/log/a b.log", "stdout:", "tcp://h:1", "tcp://[::1]:5170", "syslog+tcp://h:514", "syslog+udp://h:514", "syslog+unix:///dev/log"} {
		if d, err := ParseDestination(good); err != nil || d.String() != good {
			t.Errorf("%s: %v, error %v", good, d, err)
		}
	}
	for _, bad := range []string{"", "file:a", "file://a/b", "file:///a/", "stdout://x", "tcp://h", "tcp://:1", "tcp://h:1/x", "udp://h:1", "syslog+file:///a", "http://h:1", "tcp://u@h:1", "tcp://h:1?a", "%"} {
		if _, err := ParseDestination(bad); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestParseSpecs(t *testing.T) {
	specs, err := ParseSpecs("f", nil)
	if err != nil || len(specs) != 0 {
		t.Errorf("empty document: %v, error %v", specs, err)
	}
	for text, want := range map[string]string{
		"exports:\n- {name: A, destination: 'stdout:'}":                              `f:2: export "A": name`,
		"exports:\n- {name: a}":                                                      "destination",
		"frob: 1":                                                                    "frob",
		"exports:\n- {name: a, frob: 1}":                                             "frob",
		"exports: []\n---\nexports: []":                                              "one document",
		"exports:\n- {name: a, destination: 'stdout:', format: xml}":                 `format: "xml" is not one of ["json"`,
		"exports:\n- {name: a, destination: 'stdout:', allowList: [{frob: 1}]}":      "allowList: line 1: filter 1",
		"exports:\n- {name: a, destination: 'stdout:', denyList: [1]}":               "denyList: line 1: filter 1: a JSON object",
		"exports:\n- {name: a, destination: 'stdout:', fieldFilters: [{fields: 1}]}": "fieldFilters: line 1",
		"exports:\n- {name: a, destination: 'stdout:', bufferBytes: 1}":              "bufferBytes: 1",
		"exports:\n- {name: a, destination: 'stdout:', facility: user}":              "facility: is for",
		"exports:\n- {name: a, destination: 'syslog+udp://h:1', facility: x}":        `facility: "x"`,
		"exports:\n- {name: a, destination: 'stdout:', file: {compress: true}}":      "file: is for",
		"exports:\n- {name: a, destination: 'file:///a', file: {perm: 999}}":         "mode of the export file",
		"exports:\n- {name: a, destination: 'file:///a', file: {maxSizeMB: 0}}":      "maximum size",
	} {
		if _, err := ParseSpecs("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
	same, err := ParseSpecs("f", []byte("exports:\n- {name: a, destination: 'file:///a'}\n- {name: b, destination: 'file:///a'}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckSpecs(same); err == nil || !strings.Contains(err.Error(), `writes where "a" does`) {
		t.Errorf("two exports to one file: error %v", err)
	}
	wrong, err := ParseSpecs("f", []byte("exports:\n- {name: a, destination: 'stdout:', allowList: [{binary_regex: ['(']}]}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSpec(wrong[0], Source{}, filter.Options{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "binary_regex[0]") {
		t.Errorf("a wrong expression: error %v", err)
	}
}

func BenchmarkFanOut(b *testing.B) {
	for _, exports := range []int{1, 4} {
		b.Run(fmt.Sprint(exports), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("exports:\n")
			for i := range exports {
				fmt.Fprintf(&text, "- {name: e%d, destination: \"file://%s\", file: {maxSizeMB: 100, maxBackups: 1}}\n", i, filepath.Join(b.TempDir(), "f"))
			}
			f := mustOpenSpecs(b, text.String())
			ev := execEvent(1, strings.Repeat("x", 100))
			b.ReportAllocs()
			for b.Loop() {
				f.Export(ev)
			}
		})
	}
}

// TestNamedExportsNeverWait checks that a full buffer costs the caller no time, on the bubble's clock.
func TestNamedExportsNeverWait(t *testing.T) {
	f := mustOpenSpecs(t, "exports:\n- {name: a, destination: \"tcp://127.0.0.1:1\", bufferBytes: 65536}\n")
	wait := f.exporters[0].writer.buffer.maxWait
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(2*lossRoom, wait, nil)
		start := time.Now()
		for range 100 {
			b.put(make([]byte, 500))
			b.take(nil)
			b.put(make([]byte, 900))
			b.put(make([]byte, 900))
		}
		if waited := time.Since(start); waited != 0 || b.dropped == 0 {
			t.Errorf("waited %v, %d dropped", waited, b.dropped)
		}
	})
}
