// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/filter"
)

// exampleEvent passes the filters of all examples.
func exampleEvent() *event.Event {
	return &event.Event{
		Kind: event.KindKprobe, Time: time.Now().UnixNano(), NodeName: "node",
		Process: &event.Process{PID: 4711, Binary: "/usr/bin/sudo", Pod: &event.Pod{Namespace: "shop", Name: "web"}},
		Hook:    event.Hook{Function: "security_file_open", PolicyName: "example"},
	}
}

// sink is what an example writes to.
type sink struct {
	destination string
	received    func() []byte
}

// mustSink makes a receiver of the kind of destination.
func mustSink(tb testing.TB, destination string) sink {
	tb.Helper()
	scheme, _, _ := strings.Cut(destination, ":")
	path := filepath.Join(tb.TempDir(), "sink")
	read := func() []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		return text
	}
	switch scheme {
	case "file", "stdout":
		return sink{"file://" + path, read}
	case "tcp", "syslog+tcp":
		return mustStream(tb, scheme)
	case "syslog+udp":
		return mustDatagrams(tb, scheme, "udp", "127.0.0.1:0")
	case "syslog+unix":
		return mustDatagrams(tb, scheme, "unixgram", path)
	}
	tb.Fatalf("no receiver for %s", destination)
	return sink{}
}

func mustStream(tb testing.TB, scheme string) sink {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return sink{scheme + "://" + l.Addr().String(), func() []byte {
		conn, err := l.Accept()
		if err != nil {
			tb.Fatal(err)
		}
		defer conn.Close()
		all, err := io.ReadAll(conn) // until the export is closed
		if err != nil {
			tb.Fatal(err)
		}
		return all
	}}
}

func mustDatagrams(tb testing.TB, scheme, network, address string) sink {
	tb.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return sink{scheme + "://" + conn.LocalAddr().String(), func() []byte {
		buffer := make([]byte, 1<<16)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			tb.Fatal(err)
		}
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			tb.Fatal(err)
		}
		return buffer[:n]
	}}
}

// TestExports opens every export of the page, with a receiver of this test in place of its destination, and looks
// for the event there.
func TestExports(t *testing.T) {
	kinds := make(map[string]bool)
	for _, b := range mustPage(t, "exports.md").blocks {
		if b.language != "yaml" {
			continue
		}
		specs, err := export.ParseSpecs("exports.md", []byte(b.text))
		if err != nil || len(specs) == 0 || export.CheckSpecs(specs) != nil {
			t.Errorf("line %d: %d exports, %v, %v", b.line, len(specs), err, export.CheckSpecs(specs))
		}
		for _, spec := range specs {
			kind, _, _ := strings.Cut(spec.Destination.String(), ":")
			kinds[kind] = true
			s := mustSink(t, spec.Destination.String())
			if spec.Destination, err = export.ParseDestination(s.destination); err != nil {
				t.Fatal(err)
			}
			e, err := export.OpenSpec(spec, export.Source{NodeName: "node"}, filter.Options{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Errorf("line %d: %v", b.line, err)
				continue
			}
			e.Export(exampleEvent())
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if err := e.Close(ctx); err != nil {
				t.Errorf("line %d: %s: %v", b.line, spec.Name, err)
			}
			cancel()
			if got := s.received(); !bytes.Contains(got, []byte("4711")) || !bytes.Contains(got, []byte("/usr/bin/sudo")) {
				t.Errorf("line %d: %s: received %q", b.line, spec.Name, got)
			}
		}
	}
	if len(kinds) != 6 {
		t.Errorf("examples of %v only", kinds)
	}
}
