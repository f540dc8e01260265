// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// columns are the kernels of the table below: Debian's by their series, in
// ascending order, and the micro-VM of the machine that Vedette is made on.
var columns = []string{"5.10", "6.1", "6.12", "6.18", "7.2", "7.3", microVM}

const microVM = "micro-VM"

// offered says for each kernel of columns whether it offers a feature.
var offered = map[Feature]string{
	FeatureBTF:              "yyyyyyy",
	FeatureRingBuffer:       "yyyyyyy",
	FeatureFentry:           "yyyyyy-",
	FeatureFexit:            "yyyyyy-",
	FeatureFmodRet:          "yyyyyy-",
	FeatureFmodRetSyscall:   "----yy-",
	FeatureSleepableSyscall: "----yy-",
	FeatureTailCallTracing:  "yyyyyy-",
	FeatureTracingCookies:   "-yyyyy-",
	FeatureLSM:              "-yyyyy-", // 5.10: bpf is not in the list
	FeatureSleepableLSM:     "-yyyyy-",
	FeatureIMA:              "-yyyyy-",
	FeatureKprobe:           "yyyyyy-",
	FeatureKretprobe:        "yyyyyy-",
	FeatureKprobeMulti:      "--yyyy-", // 6.1: built without CONFIG_FPROBE
	FeatureKretprobeMulti:   "--yyyy-",
	FeatureKprobeSession:    "--yyyy-",
	FeatureOverride:         "-------",
	FeatureUprobe:           "yyyyyyy",
	FeatureUprobeMulti:      "--yyyyy",
	FeatureUSDT:             "yyyyyyy",
	FeatureCookies:          "-yyyyyy",
	FeatureBTFTracepoint:    "yyyyyyy",
	FeatureRawTracepoint:    "yyyyyyy",
	FeatureTracepoint:       "yyyyyyy",
	FeatureIterTask:         "yyyyyyy",
	FeatureCgroupConnect:    "yyyyyyy",
	FeatureTaskStorage:      "-yyyyyy",
	FeatureInnerMap:         "yyyyyyy",
	FeatureSendSignal:       "yyyyyyy",
	FeatureWriteUser:        "yyyyyy-",
	FeatureUprobeRegisters:  "---yyy-",
	FeatureKfuncPathDPath:   "--yyyy-",
	FeatureKfuncTaskExeFile: "--yyyy-",
	FeatureKfuncIterTask:    "--yyyyy",
}

// TestOffered compares what the running kernel offers with what is known of
// it. A difference in either direction means that a probe or the table lies.
func TestOffered(t *testing.T) {
	skipUnlessPrivileged(t)
	release := mustRelease(t)
	column := columnOf(release)
	if column < 0 {
		t.Skipf("kernel %s is in no column of the table", release)
	}
	t.Logf("kernel %s: column %s", release, columns[column])
	for _, a := range Offered().All() {
		t.Run(string(a.Feature), func(t *testing.T) {
			row, ok := offered[a.Feature]
			if !ok || len(row) != len(columns) {
				t.Fatalf("the table's row is %q", row)
			}
			want := row[column] == 'y'
			if isLSM(a.Feature) && bootedWithLSM(t) {
				want = !versionLess(release, a.Since)
			}
			if got := a.Err == nil; got != want {
				t.Errorf("offered: %v, want %v: %v", got, want, a.Err)
			}
			if a.Err == nil {
				if versionLess(release, a.Since) {
					t.Errorf("offered, but declared for Linux %s", a.Since)
				}
				return
			}
			checkMissing(t, a)
		})
	}
}

// checkMissing checks that the error of a feature tells all that it must.
func checkMissing(t *testing.T, a Answer) {
	t.Helper()
	var missing *MissingError
	if !errors.As(a.Err, &missing) || !errors.Is(a.Err, ErrMissing) {
		t.Fatalf("%v is no MissingError", a.Err)
	}
	if missing.Feature != string(a.Feature) || missing.Since != a.Since || missing.Cause == nil {
		t.Errorf("%+v", missing)
	}
	if text := a.Err.Error(); strings.ContainsAny(text, "\n\t") || strings.Contains(text, "line(s) omitted") {
		t.Errorf("%q is not one line", text)
	}
}

// TestTrampolinesRefused checks the words for kernels that forbid
// trampolines.
func TestTrampolinesRefused(t *testing.T) {
	skipUnlessPrivileged(t)
	if column := columnOf(mustRelease(t)); column < 0 || columns[column] != microVM {
		t.Skip("only kernels of micro-VMs refuse trampolines")
	}
	err := Offered().Check(FeatureFentry)
	const want = "this kernel lacks fentry (needs Linux 5.5): trampolines are refused with EPERM before the verifier"
	if err == nil || err.Error() != want || !errors.Is(err, unix.EPERM) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestNothingStays checks that no program of a probe is left in the kernel.
func TestNothingStays(t *testing.T) {
	skipUnlessPrivileged(t)
	newOffer().All()
	// The kernel frees programs after a grace period.
	deadline := time.Now().Add(10 * time.Second)
	for left := mustPrograms(t, probeName); len(left) > 0; left = mustPrograms(t, probeName) {
		if time.Now().After(deadline) {
			t.Fatalf("programs %v are still loaded", left)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// mustPrograms returns the loaded programs of a name.
func mustPrograms(tb testing.TB, name string) []ebpf.ProgramID {
	tb.Helper()
	var found []ebpf.ProgramID
	for id := ebpf.ProgramID(0); ; {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); errors.Is(err, os.ErrNotExist) {
			return found
		} else if err != nil {
			tb.Fatal(err)
		}
		program, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // it is gone
		}
		info, err := program.Info()
		program.Close()
		if err != nil {
			tb.Fatal(err)
		}
		if info.Name == name {
			found = append(found, id)
		}
	}
}

func TestCheckUnknownFeature(t *testing.T) {
	if err := Offered().Check("ropes"); err == nil || errors.Is(err, ErrMissing) {
		t.Errorf("%v", err)
	}
}

// TestCheckAsksOnce checks that answers are remembered, and that a feature is
// asked for only when somebody wants to know.
func TestCheckAsksOnce(t *testing.T) {
	skipUnlessPrivileged(t)
	asked := map[Feature]int{}
	o := &Offer{answers: map[Feature]*answer{}}
	for _, f := range []Feature{FeatureFentry, FeatureLSM} {
		o.answers[f] = &answer{fact: fact{feature: f, since: "1.0", option: "CONFIG_X", try: func(*Offer) error {
			asked[f]++
			return os.ErrInvalid
		}}}
	}
	first, second := o.Check(FeatureLSM), o.Check(FeatureLSM)
	const want = "this kernel lacks LSM (needs Linux 1.0 with CONFIG_X): invalid argument"
	if first == nil || first.Error() != want || second != first {
		t.Errorf("%v and %v, want %s", first, second, want)
	}
	if asked[FeatureLSM] != 1 || asked[FeatureFentry] != 0 {
		t.Errorf("asked %v", asked)
	}
}

func TestFacts(t *testing.T) {
	seen := map[Feature]bool{}
	for _, f := range facts() {
		if f.try == nil || !regexp.MustCompile(`^\d+\.\d+$`).MatchString(f.since) || seen[f.feature] {
			t.Errorf("%s: %+v", f.feature, f)
		}
		seen[f.feature] = true
		if _, ok := offered[f.feature]; !ok {
			t.Errorf("%s is not in the table of kernels", f.feature)
		}
	}
	if len(offered) != len(seen) {
		t.Errorf("%d features, %d in the table", len(seen), len(offered))
	}
}

func TestColumnOf(t *testing.T) {
	for release, want := range map[string]string{
		"5.10.0-32-cloud-amd64": "5.10", "6.1.0-56-amd64": "6.1", "6.12.117+deb12-cloud-amd64": "6.12",
		"6.15.1-amd64": "6.12", "7.2.13+deb14-cloud-amd64": "7.2", "7.10.1+deb14-amd64": "7.3",
		"6.18.44-fc-v595": microVM, "5.4.0-1-amd64": "", "6.8.0-41-generic": "", "6.12.3": "",
	} {
		got := ""
		if i := columnOf(release); i >= 0 {
			got = columns[i]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", release, got, want)
		}
	}
}

// TestLastWords reads logs of the verifier, as kernels write them.
func TestLastWords(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"none":   {"", ""},
		"6.12":   {"0: R1=ctx()\n5: (85) call bpf_override_return#58\nprogram of this type cannot use it\nprocessed 6 insns (limit 1000000)", "program of this type cannot use it"},
		"5.10":   {"unknown func x#58\nverification time 26 usec\nstack depth 0\nprocessed 1 insns", "unknown func x#58"},
		"7.3":    {"cannot use it\n\nVerification failed: Policy\n\nSuggestion:\n  Use another.\n\nprocessed 6 insns", "cannot use it"},
		"silent": {"processed 6 insns", ""},
	} {
		if got := lastWords(strings.Split(test.log, "\n")); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func skipUnlessPrivileged(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
}

func mustRelease(tb testing.TB) string {
	tb.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		tb.Fatal(err)
	}
	return unix.ByteSliceToString(name.Release[:])
}

// columnOf returns the column of a kernel by its release: that of Debian's
// series or the newest before it, or -1.
func columnOf(release string) int {
	if strings.Contains(release, "-fc-") {
		return len(columns) - 1
	}
	if !strings.HasSuffix(release, "-amd64") {
		return -1
	}
	found := -1
	for i, series := range columns[:len(columns)-1] {
		if !versionLess(release, series) {
			found = i
		}
	}
	return found
}

var versionNumbers = regexp.MustCompile(`^(\d+)\.(\d+)`)

// versionLess compares the first two numbers of versions.
func versionLess(a, b string) bool {
	x, y := versionNumbers.FindStringSubmatch(a), versionNumbers.FindStringSubmatch(b)
	if x == nil || y == nil {
		return false
	}
	for i := 1; i <= 2; i++ {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m < n
		}
	}
	return false
}

// isLSM reports whether a feature needs bpf among the active security modules.
func isLSM(f Feature) bool { return f == FeatureLSM || f == FeatureSleepableLSM }

// bootedWithLSM reports whether the kernel was told to make bpf active.
func bootedWithLSM(tb testing.TB) bool {
	tb.Helper()
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		tb.Fatal(err)
	}
	for _, word := range strings.Fields(string(line)) {
		if list, ok := strings.CutPrefix(word, "lsm="); ok {
			return containsWord(list, "bpf")
		}
	}
	return false
}
