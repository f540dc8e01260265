// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pagePath is the page that shows what a person sees.
const pagePath = "docs/kubernetes.md"

// page is that page. Each of its blocks that follow a comment "seen: NAME" shows what the test saw under that name.
type page struct {
	text string
	seen map[string]string
}

func openPage(tb testing.TB) *page {
	tb.Helper()
	return &page{text: mustRead(tb, root(pagePath)), seen: map[string]string{}}
}

// saw notes what was seen, without what is different each time.
func (p *page) saw(name, text string) { p.seen[name] = normal(text) }

var block = regexp.MustCompile("(?s)<!-- seen: ([a-z-]+) -->\n```console\n(.*?)```")

// finish compares the page with what was seen, or writes it there.
func (p *page) finish(t *testing.T) {
	shown := map[string]bool{}
	for _, match := range block.FindAllStringSubmatch(p.text, -1) {
		name := match[1]
		shown[name] = true
		text, ok := p.seen[name]
		switch {
		case !ok:
			t.Errorf("%s shows %q, which no test sees", pagePath, name)
		case words(text) != words(strings.TrimSpace(match[2])) && !*update:
			t.Errorf("%s, %s: run make test-cluster CLUSTER_ARGS=-update. It shows\n%s\nand what is seen is\n%s", pagePath, name, match[2], text)
		}
	}
	for name := range p.seen {
		if !shown[name] {
			t.Errorf("%s has no block for %q, which is\n%s", pagePath, name, p.seen[name])
		}
	}
	if !*update {
		return
	}
	text := block.ReplaceAllStringFunc(p.text, func(old string) string {
		name := block.FindStringSubmatch(old)[1]
		return fmt.Sprintf("<!-- seen: %s -->\n```console\n%s\n```", name, p.seen[name])
	})
	if err := os.WriteFile(root(pagePath), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// words makes columns of another width equal.
func words(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

// different are the parts that are not the same each time, with what stands for them. Lines that become empty by one go.
var different = []struct{ pattern, with string }{
	{`(?m)^Waiting for .*\n`, ""},
	{`\bvedette-[a-z0-9]{5}\b`, "vedette-x7k2p"},
	{`(?m)^((?:LAST DEPLOYED|Last Started|Last Completed): +)\S.*$`, "${1}Tue Nov 24 12:00:00 2026"},
	{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "2026-11-24T12:00:00Z"},
	{`(?m)( +)\d+m?\d*s( |$)`, "${1}5s$2"},
	{`(?m)(it runs on|process|exit   |open   |read   ) node\d`, "$1 node1"},
	{`\d+(\.\d+)? [kM]B`, "50.00 kB"},
}

func normal(text string) string {
	for _, d := range different {
		text = regexp.MustCompile(d.pattern).ReplaceAllString(text, d.with)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	// Pods are listed by names that are different each time: by address.
	isPod := func(line string) bool { return strings.HasPrefix(line, "vedette-x7k2p ") }
	first := slices.IndexFunc(lines, isPod)
	if last := first; first >= 0 {
		for last < len(lines) && isPod(lines[last]) {
			last++
		}
		slices.Sort(lines[first:last])
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
