// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
)

func TestExportsDir(t *testing.T) {
	dir := mustTree(t, map[string]string{
		"b.yaml":   "exports:\n- name: two\n  destination: tcp://h:1\n",
		"a.yml":    "exports:\n- name: one\n  destination: \"stdout:\"\n",
		".c.yaml":  "not read",
		"note.txt": "not read",
	})
	cfg := mustConfigure(t, "--exports-dir", dir)
	if len(cfg.Exports) != 2 || cfg.Exports[0].Name != "one" || cfg.Exports[1].Name != "two" {
		t.Errorf("exports %+v", cfg.Exports)
	}
	for _, c := range []struct {
		text string
		args []string
		want string
	}{
		{"exports:\n- name: a\n  destination: tcp://h:1\n- name: a\n  destination: tcp://h:2\n", nil, `export "a": there is another one`},
		{"exports:\n- name: a\n  destination: \"stdout:\"\n", []string{"--export-filename", "-"}, "writes to the file of --export-filename"},
		{"exports:\n- name: a\n", nil, "x.yaml:2: export \"a\": destination"},
		{"exports:\n- name: default\n  destination: tcp://h:2\n", nil, "there is another one"},
	} {
		dir := mustTree(t, map[string]string{"x.yaml": c.text})
		r := session{}.run(t, append([]string{"agent", "--exports-dir", dir}, c.args...)...)
		if !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: %q, want %q", c.text, r.stderr, c.want)
		}
	}
	if r := (session{}).run(t, "agent", "--exports-dir", dir+"/missing"); !strings.Contains(r.stderr, "no such file") {
		t.Errorf("missing directory: %q", r.stderr)
	}
}
