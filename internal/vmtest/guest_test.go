// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClockLine(t *testing.T) {
	for kHz, want := range map[uint64]string{0: "", 2_500_000: "tsc=reliable tsc_early_khz=2500000"} {
		if got := clockLine(kHz); got != want {
			t.Errorf("%d: %q, %q expected", kHz, got, want)
		}
	}
}

func TestMeasureTSC(t *testing.T) {
	first := readTSC()
	if first == 0 {
		t.Skip("no time stamp counter")
	}
	if readTSC() <= first {
		t.Error("the counter stands still")
	}
	// Every x86-64 processor is within this.
	if kHz := measureTSC(); kHz < 100_000 || kHz > 20_000_000 {
		t.Errorf("%d kHz", kHz)
	}
}

// after returns what follows a word in a list.
func after(args []string, word string) string {
	if i := slices.Index(args, word); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

func TestQEMUArgs(t *testing.T) {
	for _, test := range []struct {
		name    string
		guest   Guest
		threads bool
		want    map[string]string
	}{
		{"plain", Guest{Memory: 512, CPUs: 1, Append: "lsm=bpf"}, true, map[string]string{
			"-accel": "tcg,thread=multi", "-m": "512", "-smp": "1", "-kernel": "/k/vmlinux", "-initrd": "/i", "-icount": "", "-drive": "",
			"-append": bootLine + " tsc=reliable tsc_early_khz=7 lsm=bpf",
		}},
		{"counting", Guest{CPUs: 2, CountInstructions: true}, false, map[string]string{
			"-accel": "tcg,thread=single", "-smp": "2", "-icount": "shift=0,sleep=off",
		}},
		{"disk", Guest{Disk: 5}, true, map[string]string{"-drive": "id=disk,if=none,format=raw,cache=unsafe,file=/d/disk"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.guest.Kernel.Dir = "/k"
			args := test.guest.qemuArgs("/d", "/i", test.threads, 7)
			for flag, want := range test.want {
				if got := after(args, flag); got != want {
					t.Errorf("%s is %q, %q expected", flag, got, want)
				}
			}
			for _, want := range []string{"file,id=port0,path=/dev/fd/3", "file,id=port3,path=/dev/fd/6", "isa-serial,chardev=port3,index=3"} {
				if !slices.Contains(args, want) {
					t.Errorf("no %s in %q", want, args)
				}
			}
		})
	}
}

func TestThreadsWork(t *testing.T) {
	for _, test := range []struct {
		guest Guest
		major int
		want  bool
	}{
		{Guest{CPUs: 1}, 7, true},
		{Guest{CPUs: 2}, 7, false},
		{Guest{CPUs: 2}, 10, true},
		{Guest{CPUs: 1, CountInstructions: true}, 10, false},
	} {
		if got := test.guest.threadsWork(test.major); got != test.want {
			t.Errorf("%+v, QEMU %d: %v", test.guest, test.major, got)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]int{
		"QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright": 7, "QEMU emulator version 10.0.2": 10, "nothing": 0, "": 0,
	} {
		got, err := parseVersion([]byte(text))
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestTail(t *testing.T) {
	var l tail
	for range 2000 {
		if _, err := l.Write([]byte("a line\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	text := l.String()
	if len(text) > tailSize || len(text) < tailSize/2 || strings.Trim(strings.ReplaceAll(text, "a line", ""), "\n") != "" {
		t.Errorf("%d bytes: %.20q", len(text), text)
	}
	var short tail
	if _, err := short.Write([]byte("all\nof it")); err != nil || short.String() != "all\nof it" {
		t.Errorf("%q, %v", short.String(), err)
	}
}

func TestFind(t *testing.T) {
	cache := mustTree(t, map[string]string{"6.1/vmlinux": "", "6.1/VERSION": "6.1.0-9\n", "6.2/VERSION": "6.2"})
	t.Setenv("VEDETTE_KERNELS", cache)
	for _, name := range []string{"6.1", cache + "/6.1"} {
		if k, err := Find(name); err != nil || k.Release != "6.1.0-9" || k.Dir != cache+"/6.1" {
			t.Errorf("%s is %+v, %v", name, k, err)
		}
	}
	for _, name := range []string{"5.10", "6.2"} {
		if _, err := Find(name); err == nil || !strings.Contains(err.Error(), "scripts/kernels.sh "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Find("./nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
}

// mustReport returns a report as package pid1 sends it, with files.
func mustReport(tb testing.TB, line string, files map[string]string) string {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString(line + "\n")
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	wanted := []string{dir + "/cover", dir + "/profile"}
	for _, test := range []struct {
		name, text string
		code       int
		err        string
	}{
		{"files", mustReport(t, `{"exit_code":3,"release":"6.1","boot_seconds":1.5}`, map[string]string{dir + "/cover/a": "A", dir + "/profile": "P"}), 3, ""},
		{"not asked for", mustReport(t, `{}`, map[string]string{dir + "/other": "x"}), 0, "files of the guest: " + dir + "/other was not asked for"},
		{"outside", mustReport(t, `{}`, map[string]string{dir + "/cover/../other": "x"}), 0, "files of the guest: " + dir + "/other was not asked for"},
		{"cut off", `{"exit_code"`, 0, errNoReport.Error()},
		{"no command", `{"error":"no modules"}` + "\n", 0, "guest: no modules"},
		{"no archive", "{}\n", 0, "files of the guest: EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := newReport(t.TempDir(), wanted)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.WriteString(test.text); err != nil {
				t.Fatal(err)
			}
			result, err := r.finish()
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("error %v, %s expected", err, test.err)
				}
				return
			}
			if err != nil || result.ExitCode != test.code || result.Release != "6.1" || result.Boot != 1500*time.Millisecond {
				t.Errorf("%+v, %v", result, err)
			}
			for name, want := range map[string]string{"cover/a": "A", "profile": "P"} {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
					t.Errorf("%s is %q, %v", name, got, err)
				}
			}
		})
	}
	if _, err := os.Stat(dir + "/other"); err == nil {
		t.Error("a file that was not asked for was written")
	}
}

func TestRunWithoutCommand(t *testing.T) {
	if _, err := (Guest{}).Run(context.Background()); err == nil || err.Error() != "guest: no command" {
		t.Errorf("error %v", err)
	}
}

// TestDied tells the ends of a guest apart.
func TestDied(t *testing.T) {
	late, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	<-late.Done()
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		log  string
		want string
	}{
		{"panic", context.Background(), nil, "x\nKernel panic - not syncing\n", "the guest died: its kernel panicked"},
		{"silent", context.Background(), nil, "x\n", "the guest died: it ended without a result"},
		{"late", late, errors.New("killed"), "Kernel panic", "the guest died: it took longer than 1m0s"},
		{"no start", context.Background(), errors.New("exit status 1"), "", "the guest died: qemu-system-x86_64: exit status 1: no memory"},
	} {
		g := Guest{Timeout: time.Minute}
		err := g.died(test.ctx, test.err, &tail{kept: []byte(test.log)}, &tail{kept: []byte("no memory\n")})
		var dead *DeadError
		if !errors.As(err, &dead) || err.Error() != test.want || dead.Log != test.log {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
