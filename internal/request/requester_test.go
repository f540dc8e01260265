// SPDX-License-Identifier: Apache-2.0

package request

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func mustNew(tb testing.TB, opts Options) *Requester {
	tb.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	r, err := New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

// await waits until so many requests have come to an end.
func (r *Requester) await(tb testing.TB, n uint64) Stats {
	tb.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		s := r.Stats()
		if s.Done+s.Failed+s.Dropped+s.Refused >= n {
			return s
		}
		if time.Now().After(end) {
			tb.Fatalf("%d requests expected: %+v", n, s)
		}
	}
}

func TestGetURL(t *testing.T) {
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked <- q.Method + " " + q.URL.Path
		if q.URL.Path == "/elsewhere" {
			http.Redirect(w, q, "http://192.0.2.1/", http.StatusFound)
		}
	}))
	defer server.Close()
	r := mustNew(t, Options{Hosts: []string{"127.0.0.0/8"}})
	r.Take(GetURL, server.URL+"/called")
	if got := <-asked; got != "GET /called" {
		t.Errorf("asked %q", got)
	}
	// An answer that points elsewhere is an answer: nobody else is asked.
	r.Take(GetURL, server.URL+"/elsewhere")
	if got := <-asked; got != "GET /elsewhere" {
		t.Errorf("asked %q", got)
	}
	if s := r.await(t, 2); s != (Stats{Done: 2}) {
		t.Errorf("%+v", s)
	}
	r.Take(GetURL, "http://192.0.2.1/")
	if s := r.await(t, 3); s != (Stats{Done: 2, Refused: 1}) {
		t.Errorf("%+v", s)
	}
	server.Close()
	r.Take(GetURL, server.URL)
	if s := r.await(t, 4); s.Failed != 1 {
		t.Errorf("%+v", s)
	}
}

// nameServer answers every question for an address of IPv4, and tells the names.
func nameServer(tb testing.TB) (*net.Resolver, <-chan string) {
	tb.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	asked := make(chan string, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			name, answer := answerTo(buffer[:n])
			if answer == nil {
				continue
			}
			asked <- name
			if _, err := conn.WriteTo(answer, from); err != nil {
				return
			}
		}
	}()
	tb.Cleanup(func() {
		conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}, asked
}

// answerTo answers a question for one name with the address 192.0.2.7 (RFC 1035, 4.1).
func answerTo(question []byte) (name string, answer []byte) {
	const header = 12
	at := header
	for at < len(question) && question[at] != 0 {
		end := at + 1 + int(question[at])
		if end > len(question) {
			return "", nil
		}
		name += string(question[at+1:end]) + "."
		at = end
	}
	at += 5 // the end of the name, type and class
	if at > len(question) {
		return "", nil
	}
	answer = append(answer, question[:2]...)
	// An answer, recursion available; one question, one answer, nothing else.
	answer = append(answer, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)
	answer = append(answer, question[header:at]...)
	// The same name, type A, class IN, for a second, 4 bytes.
	return name, append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 7)
}

func TestLookUpName(t *testing.T) {
	resolver, asked := nameServer(t)
	r := mustNew(t, Options{Hosts: []string{"*.example.org"}, Resolver: resolver})
	r.Take(LookUpName, "Canary.example.org.")
	// The name is asked for as it is, and not in a domain of this machine.
	if got := <-asked; got != "canary.example.org." {
		t.Errorf("asked for %q", got)
	}
	if s := r.await(t, 1); s != (Stats{Done: 1}) {
		t.Errorf("%+v", s)
	}
	r.Take(LookUpName, "example.net")
	if s := r.await(t, 2); s != (Stats{Done: 1, Refused: 1}) {
		t.Errorf("%+v", s)
	}
}

// A flood of requests costs the watched machine nothing but a counter.
func TestRate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	r := mustNew(t, Options{Hosts: []string{"127.0.0.1"}})
	const all = 5000
	for range all {
		r.Take(GetURL, server.URL)
	}
	s := r.await(t, all)
	if s.Failed+s.Refused != 0 || s.Done < burst || s.Dropped < all/2 {
		t.Errorf("%+v", s)
	}
}

func TestBucket(t *testing.T) {
	b := bucket{left: 1, filled: time.Now()}
	if !b.take() || b.take() {
		t.Error("one is left, not none or two")
	}
	b.filled = b.filled.Add(-time.Hour)
	taken := 0
	for b.take() {
		taken++
	}
	if taken < burst || taken > burst+perSecond {
		t.Errorf("%d at once, want %d", taken, burst)
	}
}

func TestHosts(t *testing.T) {
	r := mustNew(t, Options{Hosts: []string{"example.org", "*.Example.com.", "10.0.0.0/8", "::1", "192.0.2.1"}})
	for host, want := range map[string]bool{
		"example.org": true, "EXAMPLE.org.": true, "www.example.org": false, "badexample.org": false,
		"a.example.com": true, "a.b.example.com": true, "example.com": false, ".example.com": false,
		"10.1.2.3": true, "11.1.2.3": false, "::ffff:10.1.2.3": true, "::1": true, "::2": false, "192.0.2.1": true, "192.0.2.2": false,
		"fe80::1%eth0": false, "": false,
	} {
		err := r.Check(host)
		if got := err == nil; got != want {
			t.Errorf("%q: allowed %v, want %v", host, got, want)
		}
		if err != nil && !strings.Contains(err.Error(), "--action-hosts="+host) {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, bad := range []string{"", "*", "http://example.org", "10.0.0.0/99", "a..b", "-a", "*.10.0.0.0/8", strings.Repeat("a.", 130)} {
		if _, err := New(Options{Hosts: []string{bad}}); err == nil || !strings.Contains(err.Error(), "neither the name of a host") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	if err := mustNew(t, Options{}).Check("127.0.0.1"); err == nil {
		t.Error("nobody was told, and somebody may be asked")
	}
}
