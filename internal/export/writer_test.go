// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// quickTick is the housekeeping interval of tests.
const quickTick = 5 * time.Millisecond

func testConfig(tb testing.TB) Config {
	tb.Helper()
	return Config{
		Filename: filepath.Join(tb.TempDir(), "vedette.log"),
		Params:   Params{MaxSize: 1 << 20},
		Log:      slog.New(slog.DiscardHandler),
		Gap: func(dst []byte, cause string, count uint64) []byte {
			return fmt.Appendf(dst, "lost %d: %s", count, cause)
		},
	}
}

func mustOpen(tb testing.TB, cfg Config, open_ openFunc) *Writer {
	tb.Helper()
	w, err := open(cfg, open_, time.Now, quickTick)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = closeWithin(w, time.Second) })
	return w
}

func closeWithin(w *Writer, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return w.Close(ctx)
}

func mustClose(tb testing.TB, w *Writer) {
	tb.Helper()
	if err := closeWithin(w, 10*time.Second); err != nil {
		tb.Fatal(err)
	}
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func mustWrite(tb testing.TB, w *Writer, lines ...string) {
	tb.Helper()
	for _, line := range lines {
		if !w.Write([]byte(line)) {
			tb.Fatalf("line %q was not accepted", line)
		}
	}
}

// eventually waits until a condition holds.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("it never happens: %s", what)
		}
	}
}

func mustBackups(tb testing.TB, path string) []backup {
	tb.Helper()
	found, err := newBackups(path).list()
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

func TestWriterWritesLinesInOrder(t *testing.T) {
	cfg := testConfig(t)
	w := mustOpen(t, cfg, openFile)
	var want strings.Builder
	for i := range 1000 {
		line := fmt.Sprintf(`{"n":%d}`, i)
		mustWrite(t, w, line)
		want.WriteString(line + "\n")
	}
	mustClose(t, w)
	if got := mustRead(t, cfg.Filename); got != want.String() {
		t.Errorf("file has %d bytes, want %d, or they differ", len(got), want.Len())
	}
	stats := w.Stats()
	if stats.Accepted != 1000 || stats.Written != 1000 || stats.Dropped != 0 || stats.Bytes != uint64(want.Len()) {
		t.Errorf("stats %+v", stats)
	}
	if w.Write([]byte("late")) {
		t.Error("a closed writer accepts a line")
	}
}

func TestWriterModes(t *testing.T) {
	for _, test := range []struct {
		name           string
		existing, perm fs.FileMode
		want           fs.FileMode
	}{
		{name: "new file, default", want: 0o600},
		{name: "new file, whatever the umask", perm: 0o666, want: 0o666},
		{name: "existing file keeps its mode", existing: 0o640, perm: 0o600, want: 0o640},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Perm = test.perm
			if test.existing != 0 {
				if err := os.WriteFile(cfg.Filename, nil, test.existing); err != nil {
					t.Fatal(err)
				}
			}
			mustClose(t, mustOpen(t, cfg, openFile))
			info, err := os.Stat(cfg.Filename)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != test.want {
				t.Errorf("mode %o, want %o", got, test.want)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no name", Config{Params: DefaultParams}, "no file name"},
		{"directory", Config{Filename: dir, Params: DefaultParams}, "is a directory"},
		{"below a file", Config{Filename: "/dev/null/x/y", Params: DefaultParams}, "not a directory"},
		{"size", Config{Filename: dir + "/x"}, "maximum size"},
		{"interval", Config{Filename: dir + "/x", Params: Params{MaxSize: 1, RotationInterval: -1}}, "rotation interval"},
		{"backups", Config{Filename: dir + "/x", Params: Params{MaxSize: 1, MaxBackups: -1}}, "number of backups"},
		{"buffer", Config{Filename: dir + "/x", Params: DefaultParams, Buffer: 10}, "buffer of 10 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Open(test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestRotationBySize checks every size of file around the limits: no line is split, no file is larger than
// the limit unless it has a single line, and together the files have every byte.
func TestRotationBySize(t *testing.T) {
	lines := []string{"a", "bb", "ccc", strings.Repeat("d", 30), "e", strings.Repeat("f", 9), strings.Repeat("g", 10), "h"}
	all := strings.Join(lines, "\n") + "\n"
	for maxSize := int64(1); maxSize <= int64(len(all))+1; maxSize++ {
		cfg := testConfig(t)
		cfg.Params.MaxSize = maxSize
		w := mustOpen(t, cfg, openFile)
		mustWrite(t, w, lines...)
		mustClose(t, w)
		found := mustBackups(t, cfg.Filename)
		slices.Reverse(found)
		joined := ""
		for i, path := range append(paths(found), cfg.Filename) {
			text := mustRead(t, path)
			joined += text
			if !strings.HasSuffix(text, "\n") {
				t.Fatalf("max %d: file %d ends in the middle of a line: %q", maxSize, i, text)
			}
			if int64(len(text)) > maxSize && strings.Count(text, "\n") > 1 {
				t.Fatalf("max %d: file %d has %d bytes in several lines", maxSize, i, len(text))
			}
		}
		if joined != all {
			t.Fatalf("max %d: files have %q", maxSize, joined)
		}
	}
}

func paths(list []backup) []string {
	var all []string
	for _, one := range list {
		all = append(all, one.path)
	}
	return all
}

func TestRotationFillsFilesExactly(t *testing.T) {
	cfg := testConfig(t)
	cfg.Params.MaxSize = 20
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "123456789", "123456789", "123456789") // 10 bytes each with their newline
	mustClose(t, w)
	found := mustBackups(t, cfg.Filename)
	if len(found) != 1 || len(mustRead(t, found[0].path)) != 20 || mustRead(t, cfg.Filename) != "123456789\n" {
		t.Errorf("backups %v, want one of exactly 20 bytes", paths(found))
	}
	if w.Stats().Rotations != 1 {
		t.Errorf("%d rotations, want 1", w.Stats().Rotations)
	}
}

func TestBackupNames(t *testing.T) {
	b := newBackups("/var/log/vedette/vedette.log")
	at := time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.FixedZone("x", 3600))
	if got, want := b.nextName(at), "/var/log/vedette/vedette-2026-01-02T14-04-05.006.log"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	for name, want := range map[string]bool{
		"vedette-2026-01-02T14-04-05.006.log":        true,
		"vedette-2026-01-02T14-04-05.006.log.gz":     true,
		"vedette-2026-01-02T14-04-05.006.log.gz.tmp": false,
		"vedette-2026-13-02T14-04-05.006.log":        false,
		"vedette-other.log":                          false,
		"vedette.log":                                false,
		"other-2026-01-02T14-04-05.006.log":          false,
	} {
		if _, got := b.parse(name); got != want {
			t.Errorf("%s is a backup: %v, want %v", name, got, want)
		}
	}
}

func TestNextNameIsTheNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.json")
	now := time.Now()
	var last string
	for i := range 9 {
		if i == 6 { // A restart, with a clock that was set back.
			now = now.Add(-time.Hour)
		}
		b := newBackups(path)
		for range 3 {
			next := b.nextName(now)
			if next <= last {
				t.Fatalf("%s follows %s", next, last)
			}
			if last != "" { // As prune does: a name that is free again is not used again.
				if err := os.Remove(last); err != nil {
					t.Fatal(err)
				}
			}
			last = next
			if err := os.WriteFile(last, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestBackupsArePruned(t *testing.T) {
	cfg := testConfig(t)
	cfg.Params = Params{MaxSize: 5, MaxBackups: 2}
	stranger := filepath.Join(filepath.Dir(cfg.Filename), "vedette-mine.log")
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "1111", "2222", "3333", "4444", "5555")
	mustClose(t, w)
	found := mustBackups(t, cfg.Filename)
	if len(found) != 2 || mustRead(t, found[0].path) != "4444\n" || mustRead(t, found[1].path) != "3333\n" {
		t.Errorf("backups %v", paths(found))
	}
	mustRead(t, stranger)
}

func TestBackupsAreCompressed(t *testing.T) {
	cfg := testConfig(t)
	cfg.Params, cfg.Compress = Params{MaxSize: 5}, true
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "1111", "2222", "3333")
	eventually(t, "both backups are compressed", func() bool {
		found := mustBackups(t, cfg.Filename)
		return len(found) == 2 && found[0].compressed && found[1].compressed
	})
	mustClose(t, w)
	found := mustBackups(t, cfg.Filename)
	f, err := os.Open(found[1].path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(zip); err != nil || string(text) != "1111\n" {
		t.Errorf("compressed backup has %q, %v", text, err)
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("compressed backup has mode %v, want 0600", info.Mode())
	}
}

func TestRotationByAge(t *testing.T) {
	cfg := testConfig(t)
	cfg.Params.RotationInterval = time.Hour
	var now atomic.Int64
	w, err := open(cfg, openFile, func() time.Time { return time.Unix(now.Load(), 0) }, quickTick)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, w)
	now.Store(10_000) // an empty file is not rotated, but its age counts from now
	time.Sleep(4 * quickTick)
	mustWrite(t, w, "first")
	eventually(t, "the line is written", func() bool { return w.Stats().Written == 1 })
	time.Sleep(4 * quickTick)
	if n := w.Stats().Rotations; n != 0 {
		t.Fatalf("%d rotations before the interval is over", n)
	}
	now.Store(10_000 + 3600)
	eventually(t, "the file is rotated", func() bool { return w.Stats().Rotations == 1 })
	if got := mustRead(t, mustBackups(t, cfg.Filename)[0].path); got != "first\n" {
		t.Errorf("backup has %q", got)
	}
}

func TestParamsChangeWhileWriting(t *testing.T) {
	cfg := testConfig(t)
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "1111", "2222")
	eventually(t, "the lines are written", func() bool { return w.Stats().Written == 2 })
	if err := w.SetParams(Params{MaxSize: 5, MaxBackups: 1}); err != nil {
		t.Fatal(err)
	}
	if err := w.SetParams(Params{}); err == nil {
		t.Error("a size of 0 is accepted")
	}
	mustWrite(t, w, "3333", "4444")
	mustClose(t, w)
	if found := mustBackups(t, cfg.Filename); len(found) != 1 || mustRead(t, found[0].path) != "3333\n" {
		t.Errorf("backups %v", paths(found))
	}
}

func TestFileRemovedRenamedTruncated(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"removed", os.Remove, "after\n"},
		{"renamed", func(path string) error { return os.Rename(path, path+".1") }, "after\n"},
		{"truncated", func(path string) error { return os.Truncate(path, 0) }, "after\n"},
		{"directory removed", func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, "after\n"},
		{"replaced by another", func(path string) error {
			if err := os.Rename(path, path+".1"); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("other\n"), 0o600)
		}, "other\nafter\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Filename = filepath.Join(filepath.Dir(cfg.Filename), "sub", "vedette.log")
			w := mustOpen(t, cfg, openFile)
			mustWrite(t, w, "before")
			eventually(t, "the line is written", func() bool { return w.Stats().Written == 1 })
			if err := test.change(cfg.Filename); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * quickTick)
			mustWrite(t, w, "after")
			mustClose(t, w)
			if got := mustRead(t, cfg.Filename); got != test.want {
				t.Errorf("file has %q, want %q", got, test.want)
			}
		})
	}
}

// TestRemovedFileIsNoticedAtOnce does not wait for the housekeeping: until then events would go nowhere.
func TestRemovedFileIsNoticedAtOnce(t *testing.T) {
	cfg := testConfig(t)
	w, err := open(cfg, openFile, time.Now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, w, "before")
	eventually(t, "the line is written", func() bool { return w.Stats().Written == 1 })
	if err := os.Remove(cfg.Filename); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, w, "after")
	mustClose(t, w)
	if got := mustRead(t, cfg.Filename); got != "after\n" {
		t.Errorf("file has %q", got)
	}
}

func TestTornLineOfAnEarlierRun(t *testing.T) {
	cfg := testConfig(t)
	if err := os.WriteFile(cfg.Filename, []byte("whole\nhal"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "next")
	mustClose(t, w)
	if got := mustRead(t, cfg.Filename); got != "whole\nhal\nnext\n" {
		t.Errorf("file has %q", got)
	}
}

// TestTornLineCountsForTheSize ends a torn line, which takes a byte of the room that is left.
func TestTornLineCountsForTheSize(t *testing.T) {
	for maxSize, rotations := range map[int64]uint64{9: 0, 8: 1} {
		cfg := testConfig(t)
		cfg.Params.MaxSize = maxSize
		if err := os.WriteFile(cfg.Filename, []byte("hal"), 0o600); err != nil {
			t.Fatal(err)
		}
		w := mustOpen(t, cfg, openFile)
		mustWrite(t, w, "next")
		mustClose(t, w)
		if got := w.Stats().Rotations; got != rotations {
			t.Errorf("max %d: %d rotations, want %d", maxSize, got, rotations)
		}
	}
}

// TestTruncatedFileIsFilledAgain does not take a file that somebody has truncated for a full one.
func TestTruncatedFileIsFilledAgain(t *testing.T) {
	cfg := testConfig(t)
	cfg.Params.MaxSize = 10
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "1234567")
	eventually(t, "the line is written", func() bool { return w.Stats().Written == 1 })
	if err := os.Truncate(cfg.Filename, 0); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, w, "abcdefg")
	mustClose(t, w)
	if got := w.Stats().Rotations; got != 0 {
		t.Errorf("%d rotations, want none", got)
	}
}

// faultyFile fails or stops as its test says.
type faultyFile struct {
	file
	faults *faults
}

type faults struct {
	mu sync.Mutex
	// room is how many bytes are still taken before writes fail with err; negative: any number.
	room     int
	err      error
	truncate error
	hang     chan struct{} // writes wait for it to be closed
}

func (f *faults) set(room int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room, f.err = room, err
}

func (f *faults) open(path string, perm fs.FileMode) (opened, error) {
	o, err := openFile(path, perm)
	if err == nil {
		o.file = &faultyFile{o.file, f}
	}
	return o, err
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if f.faults.hang != nil {
		<-f.faults.hang
	}
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	if f.faults.room < 0 || len(p) <= f.faults.room {
		n, err := f.file.Write(p)
		if f.faults.room >= 0 {
			f.faults.room -= n
		}
		return n, err
	}
	n, err := f.file.Write(p[:f.faults.room])
	f.faults.room = 0
	return n, errors.Join(f.faults.err, err)
}

func (f *faultyFile) Truncate(size int64) error {
	if f.faults.truncate != nil {
		return f.faults.truncate
	}
	return f.file.Truncate(size)
}

// TestDiskFull lets the disk fill up after every possible number of bytes, and then has space again.
func TestDiskFull(t *testing.T) {
	const before = "1111\n22\n3333333\n"
	for room := range len(before) + 1 {
		cfg := testConfig(t)
		f := &faults{room: room, err: syscall.ENOSPC}
		w := mustOpen(t, cfg, f.open)
		mustWrite(t, w, "1111", "22", "3333333")
		if room < len(before) {
			eventually(t, "writing fails", func() bool { return w.Stats().Failures > 0 })
			got := mustRead(t, cfg.Filename)
			if want := before[:strings.LastIndexByte(before[:room], '\n')+1]; got != want {
				t.Fatalf("room %d: full file has %q, want %q", room, got, want)
			}
		}
		f.set(-1, nil)
		mustWrite(t, w, "44")
		mustClose(t, w)
		if got, want := mustRead(t, cfg.Filename), before+"44\n"; got != want {
			t.Fatalf("room %d: file has %q, want %q", room, got, want)
		}
	}
}

// TestTornLineThatCannotBeCut starts a fresh line when the file system does not even truncate.
func TestTornLineThatCannotBeCut(t *testing.T) {
	cfg := testConfig(t)
	f := &faults{room: 3, err: syscall.EIO, truncate: syscall.EIO}
	w := mustOpen(t, cfg, f.open)
	mustWrite(t, w, "11111")
	eventually(t, "writing fails", func() bool { return w.Stats().Failures > 0 })
	f.set(-1, nil)
	mustClose(t, w)
	if got, want := mustRead(t, cfg.Filename), "111\n11111\n"; got != want {
		t.Errorf("file has %q, want %q", got, want)
	}
}

// TestLossIsCountedEverywhere fills the buffer while the disk is full: what fits is written later, what
// does not is counted in Stats, told to OnLost and reported at its place in the file.
func TestLossIsCountedEverywhere(t *testing.T) {
	cfg := testConfig(t)
	cfg.Buffer = 4 << 10
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	var told atomic.Uint64
	cfg.OnLost = func(_ string, n uint64) { told.Add(n) }
	f := &faults{err: syscall.ENOSPC}
	w := mustOpen(t, cfg, f.open)
	mustWrite(t, w, "first")
	eventually(t, "writing fails", func() bool { return w.Stats().Failures > 0 })
	accepted, dropped := 1, 0
	start := time.Now()
	for i := range 1000 {
		if w.Write(fmt.Appendf(nil, "line %d", i)) {
			accepted++
		} else {
			dropped++
		}
	}
	if d := time.Since(start); d > DefaultMaxWait*10 {
		t.Errorf("1,000 writes to a full disk took %v", d)
	}
	if accepted < 10 || dropped < 100 {
		t.Fatalf("%d accepted, %d dropped", accepted, dropped)
	}
	eventually(t, "OnLost is told", func() bool { return told.Load() == uint64(dropped) })
	f.set(-1, nil)
	eventually(t, "writing resumes", func() bool { return w.Stats().Written >= uint64(accepted) })
	const after = 5000 // more than fit into the buffer: the producer waits for room again
	for range after {
		mustWrite(t, w, "after")
	}
	mustClose(t, w)
	lines := strings.Split(strings.TrimSuffix(mustRead(t, cfg.Filename), "\n"), "\n")
	if len(lines) != accepted+1+after || lines[accepted+1] != "after" {
		t.Fatalf("%d lines, want %d; after the gap %q", len(lines), accepted+1+after, lines[accepted+1])
	}
	gap := lines[accepted]
	if want := fmt.Sprintf("lost %d: ", dropped); !strings.HasPrefix(gap, want) || !strings.Contains(gap, "no space left") {
		t.Errorf("gap is reported as %q, want %q", gap, want)
	}
	if got := w.Stats().Dropped; got != uint64(dropped) || told.Load() != got {
		t.Errorf("%d dropped in Stats, %d told, want %d", got, told.Load(), dropped)
	}
	// One line when it begins, and one at the end with what the first could not know yet.
	logged, reports := 0, regexp.MustCompile(`events lost.* events=(\d+)`).FindAllStringSubmatch(log.String(), -1)
	for _, line := range reports {
		n, err := strconv.Atoi(line[1])
		if err != nil {
			t.Fatal(err)
		}
		logged += n
	}
	if len(reports) < 1 || len(reports) > 2 || logged != dropped {
		t.Errorf("%d log lines about %d lost events, want 1 or 2 about %d:\n%s", len(reports), logged, dropped, &log)
	}
}

// TestSlowFile checks that a producer waits once, and then only drops, while a write hangs.
func TestSlowFile(t *testing.T) {
	cfg := testConfig(t)
	cfg.Buffer, cfg.MaxWait = 2<<10, 20*time.Millisecond
	f := &faults{room: -1, hang: make(chan struct{})}
	w := mustOpen(t, cfg, f.open)
	start, accepted := time.Now(), 0
	for range 1000 {
		if w.Write(bytes.Repeat([]byte("x"), 99)) {
			accepted++
		}
	}
	if d := time.Since(start); d < cfg.MaxWait || d > 50*cfg.MaxWait {
		t.Errorf("1,000 writes took %v, want one wait of %v", d, cfg.MaxWait)
	}
	if err := closeWithin(w, 10*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprint(accepted, " lines")) {
		t.Errorf("close of a hanging file: %v, want %d lines not written", err, accepted)
	}
	close(f.hang)
	mustClose(t, w)
	if got := strings.Count(mustRead(t, cfg.Filename), "x\n"); got != accepted {
		t.Errorf("%d lines written, %d accepted", got, accepted)
	}
	if got := w.Stats(); got.Dropped != uint64(1000-accepted) {
		t.Errorf("%d dropped, want %d", got.Dropped, 1000-accepted)
	}
}

// TestFlappingFileIsLoggedOnce fails and works by turns.
func TestFlappingFileIsLoggedOnce(t *testing.T) {
	cfg := testConfig(t)
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	f := &faults{}
	w := mustOpen(t, cfg, f.open)
	for i := range uint64(5) {
		f.set(0, syscall.EIO)
		failures := w.Stats().Failures
		mustWrite(t, w, "line")
		eventually(t, "writing fails", func() bool { return w.Stats().Failures > failures })
		f.set(-1, nil)
		eventually(t, "writing resumes", func() bool { return w.Stats().Written == i+1 })
	}
	mustClose(t, w)
	if fails, again := strings.Count(log.String(), "fails"), strings.Count(log.String(), "again"); fails != 1 || again != 1 {
		t.Errorf("%d failures and %d recoveries are logged, want 1 of each:\n%s", fails, again, &log)
	}
}

func TestCloseTellsWhatIsNotWritten(t *testing.T) {
	cfg := testConfig(t)
	var told atomic.Uint64
	cfg.OnLost = func(_ string, n uint64) { told.Add(n) }
	w := mustOpen(t, cfg, (&faults{err: syscall.ENOSPC}).open)
	mustWrite(t, w, "1")
	eventually(t, "writing fails", func() bool { return w.Stats().Failures > 0 })
	mustWrite(t, w, "2", "3")
	if err := closeWithin(w, 10*time.Second); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "3 lines not written") {
		t.Errorf("error %v", err)
	}
	if told.Load() != 3 {
		t.Errorf("OnLost was told of %d, want 3", told.Load())
	}
}

func TestLineLongerThanTheBuffer(t *testing.T) {
	cfg := testConfig(t)
	cfg.Buffer = 2 << 10
	w := mustOpen(t, cfg, openFile)
	if w.Write(make([]byte, 2<<10)) {
		t.Error("accepted")
	}
	mustWrite(t, w, "next")
	mustClose(t, w)
	if got, want := mustRead(t, cfg.Filename), "lost 1: "+causeTooLong+"\nnext\n"; got != want {
		t.Errorf("file has %q, want %q", got, want)
	}
}

func TestNamedPipeWithoutReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Filename: path, Params: DefaultParams}); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("error %v, want ENXIO", err)
	}
}

func TestDeviceIsNotRotated(t *testing.T) {
	cfg := testConfig(t)
	cfg.Filename, cfg.Params.MaxSize = "/dev/null", 1
	w := mustOpen(t, cfg, openFile)
	mustWrite(t, w, "1", "2")
	mustClose(t, w)
	if s := w.Stats(); s.Written != 2 || s.Rotations != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestConcurrentProducers(t *testing.T) {
	cfg := testConfig(t)
	cfg.Params.MaxSize = 4 << 10
	w := mustOpen(t, cfg, openFile)
	var group sync.WaitGroup
	for p := range 8 {
		group.Go(func() {
			for i := range 200 {
				w.Write(fmt.Appendf(nil, "%d %d", p, i))
			}
		})
	}
	group.Wait()
	mustClose(t, w)
	lines := 0
	for _, path := range append(paths(mustBackups(t, cfg.Filename)), cfg.Filename) {
		lines += strings.Count(mustRead(t, path), "\n")
	}
	if s := w.Stats(); uint64(lines) != s.Accepted || s.Accepted != 1600 {
		t.Errorf("%d lines, stats %+v", lines, s)
	}
}

func TestParsePerm(t *testing.T) {
	for text, want := range map[string]fs.FileMode{"600": 0o600, "0640": 0o640, "666": 0o666} {
		if got, err := ParsePerm(text); err != nil || got != want {
			t.Errorf("%s: %o, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "9", "rw", "400", "1777", "-1"} {
		if _, err := ParsePerm(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, size := range []int{300, 2000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			cfg := testConfig(b)
			cfg.Params = Params{MaxSize: 100 * BytesPerMB, MaxBackups: 1}
			cfg.MaxWait = 10 * time.Second // measure the disk, not the drops
			w := mustOpen(b, cfg, openFile)
			line := bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size) + 1)
			b.ReportAllocs()
			for b.Loop() {
				w.Write(line)
			}
			mustClose(b, w)
			if w.Stats().Dropped > 0 {
				b.Errorf("%d lines dropped", w.Stats().Dropped)
			}
		})
	}
}
