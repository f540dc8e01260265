// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// mustTree writes files below a new directory and returns it. A name that ends with a slash is a directory.
func mustTree(tb testing.TB, files map[string]string) string {
	tb.Helper()
	root := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return root
}

// applySettings applies settings below a root to flags of a command line.
func applySettings(tb testing.TB, root string, environ map[string]string, args ...string) (*agentFlags, error) {
	tb.Helper()
	flags := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	parsed := newAgentFlags()
	parsed.define(flags)
	if err := flags.Parse(args); err != nil {
		tb.Fatal(err)
	}
	s := newSettings()
	for i := range s.sources {
		s.sources[i] = root + s.sources[i]
	}
	s.environ = func(name string) string { return environ[name] }
	return parsed, s.apply(flags)
}

func TestSettingsPrecedence(t *testing.T) {
	const name = "cluster-name"
	places := []string{
		"usr/lib/vedette/vedette.conf.d/" + name,
		"usr/local/lib/vedette/vedette.conf.d/" + name,
		"etc/vedette/vedette.yaml",
		"etc/vedette/vedette.conf.d/" + name,
		"site/" + name,
	}
	files := make(map[string]string)
	check := func(want string, environ map[string]string, args ...string) {
		t.Helper()
		root := mustTree(t, files)
		if files["site/"+name] != "" {
			args = append(args, "--config-dir", root+"/site")
		}
		got, err := applySettings(t, root, environ, args...)
		if err != nil || got.cfg.ClusterName != want {
			t.Errorf("%v, %v, %v: %q, error %v, want %q", files, environ, args, got.cfg.ClusterName, err, want)
		}
	}
	check("", nil)
	for _, place := range places {
		files[place] = " from " + place + "\n"
		if strings.HasSuffix(place, ".yaml") {
			files[place] = name + ": from " + place
		}
		check("from "+place, nil)
	}
	check("theirs", map[string]string{"TETRAGON_CLUSTER_NAME": "theirs"})
	check("ours", map[string]string{"TETRAGON_CLUSTER_NAME": "theirs", "VEDETTE_CLUSTER_NAME": "ours"})
	check("from site/"+name, map[string]string{"VEDETTE_CLUSTER_NAME": ""})
	check("flag", map[string]string{"VEDETTE_CLUSTER_NAME": "ours"}, "--cluster-name", "flag")
	check("", nil, "--cluster-name=")
}

func TestSettingsFile(t *testing.T) {
	root := mustTree(t, map[string]string{"etc/vedette/vedette.yaml": `
# a comment
rb-size: 64K
enable-process-cred: true
tracing-policy: [a.yaml, b.yaml]
process-cache-size: 100
export-allowlist: |
  {"pid":[1]}
  {"pid":[2]}
enable-k8s-api: false
`})
	got, err := applySettings(t, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := got.cfg
	if c.RingBufferSize != 64<<10 || !c.EnableProcessCred || strings.Join(c.Policies, " ") != "a.yaml b.yaml" || c.ProcessCacheSize != 100 ||
		got.allowList != "{\"pid\":[1]}\n{\"pid\":[2]}\n" {
		t.Errorf("configuration %+v, allow list %q", c, got.allowList)
	}
}

// TestSettingsConfigMap reads a directory as Kubernetes mounts a ConfigMap.
func TestSettingsConfigMap(t *testing.T) {
	root := mustTree(t, map[string]string{"site/..2026/cluster-name": "kube\n", "site/sub/not-an-option": "x", "site/.swp": "x"})
	for link, to := range map[string]string{"site/..data": "..2026", "site/cluster-name": "..data/cluster-name"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := applySettings(t, root, map[string]string{"VEDETTE_CONFIG_DIR": root + "/site"})
	if err != nil || got.cfg.ClusterName != "kube" {
		t.Errorf("cluster name %q, error %v", got.cfg.ClusterName, err)
	}
}

func TestSettingsErrors(t *testing.T) {
	const yaml, dropIn = "etc/vedette/vedette.yaml", "etc/vedette/vedette.conf.d/"
	for _, test := range []struct {
		name, file, text, want string
		environ                map[string]string
	}{
		{"unknown option", yaml, "a: 1\nrb-sise: 1\n", "ROOT/" + yaml + `:1: unknown option "a"` + "\nROOT/" + yaml + `:2: unknown option "rb-sise"; did you mean rb-size?`, nil},
		{"unknown drop-in", dropIn + "rb-sise", "1", "ROOT/" + dropIn + `rb-sise: unknown option "rb-sise"; did you mean rb-size?`, nil},
		{"directory in a file", yaml, "config-dir: /x", "ROOT/" + yaml + `:1: unknown option "config-dir"`, nil},
		{"bad value", yaml, "rb-size: x", "ROOT/" + yaml + `:1: invalid value "x" for rb-size: must be a number of bytes, such as 65536, 64K, 4M or 1G`, nil},
		{"bad drop-in", dropIn + "debug", "maybe", "ROOT/" + dropIn + `debug: invalid value "maybe" for debug: `, nil},
		{"bad variable", yaml, "", `environment variable TETRAGON_EXPORT_FILE_PERM: invalid value "9" for export-file-perm: must be an octal number`, map[string]string{"TETRAGON_EXPORT_FILE_PERM": "9"}},
		{"no mapping", yaml, "- a", "ROOT/" + yaml + ": yaml: ", nil},
		{"nested", yaml, "rb-size: {a: b}", "ROOT/" + yaml + ":1: rb-size: a value or a list of values is expected", nil},
		{"nested list", yaml, "tracing-policy: [[a]]", "ROOT/" + yaml + ":1: tracing-policy: a list of plain values is expected", nil},
		{"large", dropIn + "cluster-name", strings.Repeat("x", maxOptionFile+1), "ROOT/" + dropIn + "cluster-name is larger than 1048576 bytes", nil},
		{"missing directory", yaml, "", "--config-dir: open /missing: no such file or directory", map[string]string{"VEDETTE_CONFIG_DIR": "/missing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := mustTree(t, map[string]string{test.file: test.text})
			_, err := applySettings(t, root, test.environ)
			if want := strings.ReplaceAll(test.want, "ROOT", root); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}
