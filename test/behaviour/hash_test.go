// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
	"github.com/vedette-io/vedette/internal/kernel"
)

// TestHashes checks that events of LSM hooks have the hash of the file, or that the policy is refused where the
// kernel has none.
func TestHashes(t *testing.T) {
	err := kernel.Offered().Check(kernel.FeatureIMA)
	if err == nil {
		hashes.run(t)
		return
	}
	r := mustRig(t)
	got := r.add(t, document("hash-refused", strings.ReplaceAll(hashOpened, "$DIR", t.TempDir())), "hash-refused")
	if got == nil || !strings.Contains(got.Error(), "this kernel lacks") {
		t.Errorf("error %v, where %v", got, err)
	}
}

const (
	hashedText = "a file whose hash is known\n"
	hashOpened = `
lsmhooks:
- hook: file_open
  args: [{index: 0, type: file}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: [$DIR/hashed]}]
    matchActions: [{action: Post, imaHash: true}]
`
)

// hashVars makes the files of the rows.
func hashVars(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	p := executabletest.BuildWritable(tb)
	program, err := os.ReadFile(p.Path)
	if err != nil {
		tb.Fatal(err)
	}
	for name, content := range map[string][]byte{"hashed": []byte(hashedText), "locked": []byte(hashedText), "refused": []byte(hashedText), "program": program} {
		if err := os.WriteFile(dir+"/"+name, content, 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	return map[string]string{"TEXT": digest([]byte(hashedText)), "PROGRAM": digest(program)}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

var hashes = register(table{name: "hashes", needs: offers(kernel.FeatureIMA), vars: hashVars, rows: []row{
	{
		// While a file is opened it cannot be read yet: that the kernel has no hash does not cost the event.
		name: "opened", spec: hashOpened,
		act:  func(a *actor) { a.open(a.dir+"/hashed", 9) },
		want: []string{"file_open(file $DIR/hashed -rwxr-xr-x)"},
	},
	{
		name: "locked", spec: strings.Replace(strings.Replace(hashOpened, "file_open", "file_lock", 1), "/hashed", "/locked", 1),
		act: func(a *actor) {
			a.open(a.dir+"/locked", 9)
			a.check(a.call(unix.SYS_FLOCK, 9, unix.LOCK_EX) == 0, "the file was not locked")
		},
		want: []string{"file_lock(file $DIR/locked -rwxr-xr-x) $TEXT"},
	},
	{
		name: "executed",
		spec: `
lsmhooks:
- hook: bprm_check_security
  selectors:
  - matchPIDs: [{operator: In, values: [$PID], followForks: true, isNamespacePID: false}]
    matchActions: [{action: Post, imaHash: true}]
`,
		act:  func(a *actor) { a.program() },
		want: []string{"child: bprm_check_security() $PROGRAM"},
	},
	{
		// Nobody is asked for a hash of what is refused.
		name: "refused", spec: strings.Replace(strings.Replace(hashOpened, "hashed", "refused", 1), "{action: Post,", "{action: Override, argError: -1}, {action: Post,", 1),
		act:  func(a *actor) { a.check(a.openat(a.dir+"/refused") == -1, "the file was opened") },
		want: []string{"file_open(file $DIR/refused -rwxr-xr-x)"},
	},
}})
