package hook

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/policy"
)

func dumpVerifier(err error) {
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		l := ve.Log
		if len(l) > 60 {
			l = l[len(l)-60:]
		}
		for _, x := range l {
			fmt.Println(x)
		}
	}
}

func TestEngineTry(t *testing.T) {
	data, err := os.ReadFile("/work/shared/seed/iris-read-file-sigkill.yaml")
	if f := os.Getenv("POLICY"); f != "" {
		data, err = os.ReadFile(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	ps, diags := policy.Parse("seed", data)
	t.Log(diags)
	plan, err := compile.Compile(compile.Input{Policies: []compile.InputPolicy{{Policy: ps[0], FollowBit: 0}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBase(Options{CgroupController: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	tfs, err := kernel.OpenTracefs()
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(b, tfs)
	if err != nil {
		dumpVerifier(err)
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Apply(plan, []string{"seed"}, func(l []Loaded) { t.Logf("%v", len(l)) }); err != nil {
		dumpVerifier(err)
		t.Fatal(err)
	}
	for k, p := range e.hooks {
		for n, pr := range p.coll.Programs {
			i, _ := pr.Info()
			vi, _ := i.VerifiedInstructions()
			x, _ := i.Instructions()
			t.Log(k, n, vi, len(x), p.memoryBytes())
		}
	}
	rd, err := ringbuf.NewReader(b.Bulk())
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/tmp/secret-try", []byte("hello"), 0600)
	out, err := exec.Command("/bin/sh", "-c", "cat /tmp/secret-try").CombinedOutput()
	t.Logf("%q %v", out, err)
	rd.SetDeadline(time.Now().Add(300 * time.Millisecond))
	for {
		rec, err := rd.Read()
		if err != nil {
			break
		}
		h := (*bpf.Header)(unsafe.Pointer(&rec.RawSample[0]))
		if h.Type == 6 && os.Getenv("V") != "" {
			e := (*bpf.HookRecord)(unsafe.Pointer(&rec.RawSample[0]))
			fmt.Fprintf(os.Stderr, "%+v %q\n", *e, rec.RawSample[unsafe.Sizeof(*e):])
		}
	}
	c, err := e.Counters()
	t.Log(c, err)
}
