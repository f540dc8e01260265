// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is one file of the documentation.
type page struct {
	name   string // relative to this directory
	text   string
	blocks []block
}

// block is a fenced block.
type block struct {
	language string
	line     int // of its first line, from 1
	text     string
}

// lines yields the lines of the block with their numbers in the page.
func (b block) lines(yield func(int, string) bool) {
	for i, line := range strings.Split(b.text, "\n") {
		if !yield(b.line+i, line) {
			return
		}
	}
}

// mustPages reads all pages: those here and those of the repository's root.
func mustPages(tb testing.TB) []page {
	tb.Helper()
	var pages []page
	for _, pattern := range []string{"*.md", "../*.md", "../LICENSES/*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			tb.Fatalf("no pages %s: %v", pattern, err)
		}
		for _, name := range names {
			pages = append(pages, mustPage(tb, name))
		}
	}
	return pages
}

func mustPage(tb testing.TB, name string) page {
	tb.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	p := page{name: name, text: string(text)}
	var open *block
	for i, line := range strings.Split(p.text, "\n") {
		fence, found := strings.CutPrefix(line, "```")
		switch {
		case found && open == nil:
			open = &block{language: fence, line: i + 2}
		case found:
			open.text = strings.TrimSuffix(open.text, "\n")
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		tb.Errorf("%s:%d: a block without end", name, open.line-1)
	}
	return p
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInURL = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// anchors returns the names under which a page's headings can be linked to.
func anchors(text string) map[string]bool {
	names := make(map[string]bool)
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		names[strings.ReplaceAll(notInURL.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return names
}

// TestLinks checks that every relative link leads to a file, and to a heading of it where it names one.
func TestLinks(t *testing.T) {
	for _, p := range mustPages(t) {
		for _, m := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(p.name), path)
			if path == "" {
				target = p.name
			}
			text, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() && anchor == "" {
				continue
			}
			if err != nil {
				t.Errorf("%s: link %s: %v", p.name, m[1], err)
				continue
			}
			if anchor != "" && !anchors(string(text))[anchor] {
				t.Errorf("%s: link %s: no such heading", p.name, m[1])
			}
		}
	}
}

// TestIndex checks that the index names every page beside it.
func TestIndex(t *testing.T) {
	index := mustPage(t, "README.md")
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name != "README.md" && !strings.Contains(index.text, "]("+name+")") {
			t.Errorf("README.md does not name %s", name)
		}
	}
}
