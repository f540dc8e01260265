// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestRequests checks that the agent asks whom it may ask, when an event arrives and only then.
func TestRequests(t *testing.T) {
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { asked <- q.URL.Path }))
	defer server.Close()
	requests.vars = func(testing.TB, string) map[string]string { return map[string]string{"SERVER": server.URL} }
	requests.run(t)
	got := map[string]int{}
	for range 2 {
		select {
		case path := <-asked:
			got[path]++
		case <-time.After(patience):
			t.Fatal("the agent does not ask")
		}
	}
	time.Sleep(settle)
	if len(asked) != 0 || got["/last"] != 2 {
		t.Errorf("asked for %v and %d more", got, len(asked))
	}
}

func requestWith(action string) string {
	return "kprobes:\n- call: sys_lseek\n  args: [{index: 0, type: int}]\n  selectors: [{matchPIDs: [{operator: In, values: [$PID]}], matchActions: [" + action + "]}]\n"
}

var requests = register(table{name: "requests", rows: []row{
	{name: "last", act: seek(5, 6), spec: requestWith("{action: Post}, {action: GetUrl, argUrl: $SERVER/last}"), want: []string{"GETURL " + five, "GETURL " + six}},
	{name: "not last", act: once, spec: requestWith("{action: GetUrl, argUrl: $SERVER/notlast}, {action: Post}"), want: []string{five}},
	{name: "no event", act: once, spec: requestWith("{action: NoPost}, {action: GetUrl, argUrl: $SERVER/noevent}")},
}})

// TestRequestsRefused checks that a policy cannot make the agent ask others.
func TestRequestsRefused(t *testing.T) {
	r := mustRig(t)
	for name, action := range map[string]string{
		"geturl": "{action: GetUrl, argUrl: 'http://example.org/'}", "dnslookup": "{action: DnsLookup, argFqdn: example.org}",
	} {
		err := r.add(t, document(name, strings.ReplaceAll(requestWith(action), "$PID", "1")), name)
		if err == nil || !strings.Contains(err.Error(), `the agent may not ask the host "example.org"`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
