// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/vedette-io/vedette/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// mustWrite writes a file into a new directory of the test.
func mustWrite(tb testing.TB, name, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// mustRead reads a file.
func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// mustEvent reads an event as the export writes it.
func mustEvent(tb testing.TB, line []byte) *lab.Event {
	tb.Helper()
	e := &lab.Event{}
	if err := protojson.Unmarshal(line, e); err != nil {
		tb.Fatalf("%v: %s", err, line)
	}
	return e
}
