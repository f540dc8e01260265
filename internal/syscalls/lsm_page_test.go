// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table to the page instead of comparing")

// The page and where its table is.
const (
	page       = "../../docs/kernels.md"
	tableBegin = "<!-- refusals: go test ./internal/syscalls -run TestRefusalPage -update -->\n"
	tableEnd   = "<!-- end of refusals -->\n"
)

// docs/kernels.md shows the table as it is here.
func TestRefusalPage(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(content), tableBegin)
	got, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("%s: the marks of the table are missing", page)
	}
	want := refusalPage()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s: the table of refusals differs; run the command in its mark", page)
	}
	if err := os.WriteFile(page, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// refusalPage is the table as Markdown.
func refusalPage() string {
	var b strings.Builder
	b.WriteString("| calls | refused at | not refused, or seen otherwise |\n|---|---|---|\n")
	for _, row := range refusalTable {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", quoted(strings.Fields(row.calls)), rowHooks(row.Refusal), rowLimits(row.Refusal))
	}
	return b.String()
}

func quoted[T ~string](names []T) string {
	marked := make([]string, len(names))
	for i, name := range names {
		marked[i] = "`" + string(name) + "`"
	}
	return strings.Join(marked, ", ")
}

func rowHooks(refusal Refusal) string {
	var parts []string
	for _, hook := range refusal.Hooks {
		parts = append(parts, "`"+string(hook)+"`"+needs[hook])
	}
	if len(refusal.Newer) > 0 {
		parts = append(parts, quoted(refusal.Newer)+" where there")
	}
	return strings.Join(parts, ", ")
}

func rowLimits(refusal Refusal) string {
	var parts []string
	if refusal.Gap != "" {
		parts = append(parts, "not refused: "+refusal.Gap)
	}
	if refusal.Note != "" {
		parts = append(parts, refusal.Note)
	}
	for _, errno := range refusal.Leave {
		parts = append(parts, fmt.Sprintf("errno %d (%v) cannot be used", int(errno), errno))
	}
	return strings.Join(parts, "; ")
}
