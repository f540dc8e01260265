// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/test/lab"
)

// TestMappedCode runs a command and compares what is told of it with the files:
// of a dynamic program the program, its dynamic linker and its library.
func TestMappedCode(t *testing.T) {
	r, text := mustWatch(t, lab.ExamplePolicy("mapped-code"), "cat", "/dev/null")
	if r.Code != 0 {
		t.Fatalf("cat: %+v", r)
	}
	paths := map[string]bool{}
	for line := range strings.Lines(text) {
		var e struct {
			Loader *struct {
				Process struct{ Binary string }
				Path    string
				BuildID []byte
			} `json:"process_loader"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Loader == nil {
			continue
		}
		if paths[e.Loader.Path] {
			t.Errorf("%s is told twice", e.Loader.Path)
		}
		paths[e.Loader.Path] = true
		if filepath.Base(e.Loader.Process.Binary) != "cat" {
			t.Errorf("%s is told of %s", e.Loader.Path, e.Loader.Process.Binary)
		}
		if want := buildID(t, e.Loader.Path); !bytes.Equal(e.Loader.BuildID, want) {
			t.Errorf("%s: build id %x, the file has %x", e.Loader.Path, e.Loader.BuildID, want)
		}
	}
	if len(paths) == 0 {
		t.Errorf("nothing is told:\n%s", text)
	}
	if _, err := os.Stat("/lib64/ld-linux-x86-64.so.2"); err == nil && len(paths) < 3 {
		t.Errorf("told: %v", paths)
	}
}

// buildID returns the build id of a file, nil if it has none.
func buildID(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	id, err := executable.ReadBuildID(file)
	if err != nil {
		t.Logf("%s: %v", path, err)
	}
	return id
}
