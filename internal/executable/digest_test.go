// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package executable

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/internal/executable/executabletest"
)

func mustRead(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestVerify(t *testing.T) {
	path := executabletest.Build(t).Path
	data := mustRead(t, path)
	one, two := sha1.Sum(data), sha256.Sum256(data)
	three, four := sha512.Sum384(data), sha512.Sum512(data)
	right := []string{
		"sha1:" + hex.EncodeToString(one[:]), "sha256:" + strings.ToUpper(hex.EncodeToString(two[:])),
		"sha384:" + hex.EncodeToString(three[:]), "sha512:" + hex.EncodeToString(four[:]),
	}
	wrong := "sha256:" + strings.Repeat("00", 32)
	var d Digests
	for _, digest := range right {
		for _, digests := range [][]string{{digest}, {wrong, digest}, {digest, "build-id:ab"}} {
			stamp, err := d.Verify(path, digests)
			if want, _ := mustOpen(t, path).Stamp(); err != nil || stamp != want || stamp.Changed == 0 {
				t.Errorf("%s: stamp %+v, %v", digests, stamp, err)
			}
		}
	}
	_, err := d.Verify(path, []string{wrong})
	wantError(t, err, path, "expected "+wrong, "found "+strings.ToLower(right[1]))
	if other := (*DigestError)(nil); !errors.As(err, &other) {
		t.Errorf("%T", err)
	}
	_, err = d.Verify(path, []string{wrong, "build-id:abcd"})
	wantError(t, err, "expected one of "+wrong+", build-id:abcd", "found "+strings.ToLower(right[1])+", build-id (the file has no build id)")
	if len(d.known) != 1 {
		t.Errorf("%d files are known", len(d.known))
	}
}

// TestVerifyWhatIsThere checks that a digest is that of what is at the path
// now, also where it looks like what was there before.
func TestVerifyWhatIsThere(t *testing.T) {
	path := executabletest.Build(t).Path
	data := mustRead(t, path)
	sum := sha256.Sum256(data)
	digests := []string{"sha256:" + hex.EncodeToString(sum[:])}
	var d Digests
	before, err := d.Verify(path, digests)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	when := time.Unix(0, before.Modified)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
	after, err := d.Verify(path, digests)
	wantError(t, err, "found sha256:")
	if before.Identity != after.Identity || before == after {
		t.Errorf("%+v, then %+v: want them to differ in the time of the change only", before, after)
	}
	if _, err = d.Verify(path, []string{"md5:00"}); err == nil || errors.As(err, new(*DigestError)) {
		t.Errorf("an unknown algorithm: %v", err)
	}
	_, err = d.Verify(filepath.Join(t.TempDir(), "none"), digests)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestVerifyBuildID takes the test itself, whose build id the linker makes.
func TestVerifyBuildID(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	id, err := f.BuildID()
	if errors.Is(err, ErrNoBuildID) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var d Digests
	if _, err := d.Verify(path, []string{"build-id:" + hex.EncodeToString(id[:])}); err != nil {
		t.Error(err)
	}
	// A part of it is another one.
	_, err = d.Verify(path, []string{"build-id:" + hex.EncodeToString(id[:4])})
	wantError(t, err, "found build-id:"+hex.EncodeToString(id[:]))
}

// TestDigestsAreBounded sees that not every file there ever was is remembered.
func TestDigestsAreBounded(t *testing.T) {
	d := Digests{known: map[Stamp]map[string]string{}}
	for i := range maxDigests {
		d.known[Stamp{Changed: int64(i)}] = nil
	}
	if _, err := d.Verify(executabletest.Build(t).Path, []string{"sha1:00"}); !errors.As(err, new(*DigestError)) {
		t.Fatal(err)
	}
	if len(d.known) != 1 {
		t.Errorf("%d files are known", len(d.known))
	}
}
