package hook

import ("errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-io/vedette/bpf"
)

func TestBaseTry(t *testing.T) {
	b, err := NewBase(Options{CgroupController: -1})
	if err != nil {
		var ve *ebpf.VerifierError
		
		if errors.As(err, &ve) { l := ve.Log; if len(l) > 45 { l = l[len(l)-45:] }; for _, x := range l { fmt.Println(x) } }; t.Fatalf("%v", err)
	}
	defer b.Close()
	for n, p := range b.process.Programs {
		i, _ := p.Info()
		vi, _ := i.VerifiedInstructions()
		t.Log(n, vi, i)
	}
	n := 0
	if err := b.Tasks(func(r []byte) {
		e := (*bpf.Exec)(unsafe.Pointer(&r[0]))
		n++
		if n < 5 || n > 70 {
			t.Logf("%+v %q", *e, r[unsafe.Sizeof(*e):])
		}
	}); err != nil {
		t.Fatal(err)
	}
	t.Log(n, "tasks")
	rd, err := ringbuf.NewReader(b.Bulk())
	if err != nil {
		t.Fatal(err)
	}
	exec.Command("/bin/true", "a", "b c").Run()
	rd.SetDeadline(time.Now().Add(300 * time.Millisecond))
	for {
		rec, err := rd.Read()
		if err != nil {
			break
		}
		h := (*bpf.Header)(unsafe.Pointer(&rec.RawSample[0]))
		if h.Type == 2 {
			e := (*bpf.Exec)(unsafe.Pointer(&rec.RawSample[0]))
			fmt.Fprintf(os.Stderr, "%+v %q\n", *e, rec.RawSample[unsafe.Sizeof(*e):])
		} else {
			fmt.Fprintf(os.Stderr, "%+v\n", *h)
		}
	}
}
