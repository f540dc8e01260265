// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-io/vedette/internal/kernel"
)

// madeAnswers are answers as a kernel gives them.
func madeAnswers() []kernel.Answer {
	return []kernel.Answer{
		{Feature: kernel.FeatureFentry, Since: "5.5"},
		{Feature: kernel.FeatureKprobe, Since: "4.17", Err: &kernel.MissingError{
			Feature: "kprobe", Since: "4.17", Option: "CONFIG_KPROBES", Cause: syscall.ENOENT,
		}},
		{Feature: kernel.FeatureFmodRet, Since: "5.7", Err: &kernel.AttachError{
			Feature: kernel.FeatureFmodRet, Function: "f", Err: errors.New("f() is not modifiable"),
		}},
		{Feature: kernel.FeatureLSM, Since: "5.7", Err: errors.New("no right\nto ask")},
	}
}

func TestPrintFeatures(t *testing.T) {
	report := probeReport{Kernel: "6.12.1", Machine: "x86_64", Features: probedFeatures(madeAnswers())}
	var text strings.Builder
	if err := report.print(&text, formatText); err != nil {
		t.Fatal(err)
	}
	const want = "Linux 6.12.1 x86_64\n" +
		"FEATURE    OFFERED   SINCE   REASON\n" +
		"fentry     yes       5.5     \n" +
		"kprobe     no        4.17    no such file or directory (needs CONFIG_KPROBES)\n" +
		"fmod_ret   no        5.7     f() is not modifiable\n" +
		"LSM        no        5.7     no right to ask\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrintFeaturesJSON(t *testing.T) {
	report := probeReport{Kernel: "6.12.1", Machine: "x86_64", Features: probedFeatures(madeAnswers()[:2])}
	var text strings.Builder
	if err := report.print(&text, formatJSON); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "kernel": "6.12.1",
  "machine": "x86_64",
  "features": [
    {
      "name": "fentry",
      "offered": true,
      "since": "5.5"
    },
    {
      "name": "kprobe",
      "offered": false,
      "reason": "no such file or directory",
      "option": "CONFIG_KPROBES",
      "since": "4.17"
    }
  ]
}
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrintFunctions(t *testing.T) {
	report := probeReport{Kernel: "6.12.1", Machine: "x86_64", Functions: []probedFunction{
		{Name: "f", Prototype: "int f(void)", Attachments: probedFeatures(madeAnswers()[:1])},
		{Name: "g", Prototype: "int g(void)", Module: "ext4", Attachments: probedFeatures(madeAnswers()[:1])},
		{Name: "h", Attachments: probedFeatures(madeAnswers()[1:2])},
		{Name: "i", Error: `function "i": the kernel has no such function`},
	}}
	var text strings.Builder
	err := report.print(&text, formatText)
	var exit *exitError
	if !errors.As(err, &exit) || exit.status != exitFailure || exit.err != nil {
		t.Errorf("%v", err)
	}
	const want = "Linux 6.12.1 x86_64\n" +
		"\nint f(void)\nATTACHMENT   OFFERED   SINCE   REASON\nfentry       yes       5.5     \n" +
		"\nint g(void) in module ext4\nATTACHMENT   OFFERED   SINCE   REASON\nfentry       yes       5.5     \n" +
		"\nh (its parameters are not known: BTF does not describe the function)\n" +
		"ATTACHMENT   OFFERED   SINCE   REASON\nkprobe       no        4.17    no such file or directory (needs CONFIG_KPROBES)\n" +
		"\nfunction \"i\": the kernel has no such function\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestProbe asks the running kernel.
func TestProbe(t *testing.T) {
	if testing.Short() {
		t.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		got := session{}.run(t, "probe")
		if got.status != exitFailure || !strings.Contains(got.stderr, "needs root") {
			t.Errorf("without root: %+v", got)
		}
		return
	}
	got := session{}.run(t, "probe", "-o", "json")
	var report probeReport
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || got.status != exitOK {
		t.Fatalf("%+v: %v", got, err)
	}
	if report.Kernel == "" || report.Machine == "" || len(report.Features) < 20 {
		t.Errorf("%+v", report)
	}
	for _, f := range report.Features {
		if f.Offered == (f.Reason != "") || f.Since == "" {
			t.Errorf("%+v", f)
		}
	}
	got = session{}.run(t, "probe", "--function", "fd_install", "--function", "fd_instal")
	if got.status != exitFailure || got.stderr != "" ||
		!strings.Contains(got.stdout, "\nvoid fd_install(unsigned int fd, struct file *file)\nATTACHMENT ") ||
		!strings.Contains(got.stdout, "did you mean fd_install") {
		t.Errorf("%+v", got)
	}
}
