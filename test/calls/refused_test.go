// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import (
	"cmp"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/syscalls"
)

// refused is an errno that none of the calls returns by itself.
const refused = unix.EXFULL

// attachment is a way to refuse at a hook.
type attachment struct {
	name    string
	spec    func(hook syscalls.SecurityHook) *ebpf.ProgramSpec
	attach  func(*ebpf.Program) (link.Link, error)
	missing func() string
}

var attachments = []attachment{
	{
		name: "fmod_ret",
		spec: func(hook syscalls.SecurityHook) *ebpf.ProgramSpec {
			return &ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachModifyReturn, AttachTo: hook.Function()}
		},
		attach:  func(p *ebpf.Program) (link.Link, error) { return link.AttachTracing(link.TracingOptions{Program: p}) },
		missing: func() string { return "" },
	},
	{
		name: "LSM",
		spec: func(hook syscalls.SecurityHook) *ebpf.ProgramSpec {
			return &ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: string(hook)}
		},
		attach:  func(p *ebpf.Program) (link.Link, error) { return link.AttachLSM(link.LSMOptions{Program: p}) },
		missing: bpfIsNoLSM,
	},
}

// bpfIsNoLSM says why LSM programs would never run, or nothing.
func bpfIsNoLSM() string {
	active, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		return "securityfs: " + err.Error()
	}
	if !slices.Contains(strings.Split(strings.TrimSpace(string(active)), ","), "bpf") {
		return "bpf is not among the active LSMs (" + strings.TrimSpace(string(active)) + ")"
	}
	return ""
}

// A call that is refused at its hooks fails with that errno and without its effect, which
// TestUnrefused sees.
func TestRefused(t *testing.T) {
	mustBeRoot(t)
	for _, by := range attachments {
		t.Run(by.name, func(t *testing.T) {
			if reason := by.missing(); reason != "" {
				t.Skip(reason)
			}
			hooks := mustAttach(t, by)
			for _, call := range All() {
				t.Run(call.Name, func(t *testing.T) {
					on := hooks.mustHave(t, call.Name)
					for _, variant := range call.Variants {
						t.Run(variant.Name, func(t *testing.T) { mustBeRefused(t, hooks, on, variant) })
					}
				})
			}
		})
	}
}

// mustBeRefused runs the variant, refused.
func mustBeRefused(t *testing.T, hooks *armedHooks, on []syscalls.SecurityHook, variant Variant) {
	t.Helper()
	mustBeOurs(t, variant)
	attempt := variant.Start(t)
	hooks.arm(t, on, attempt.Process)
	errno := attempt.Run()
	hooks.arm(t, on, 0)
	if errno == unix.ENOSYS {
		t.Skip("this kernel has no such system call")
	}
	if want := cmp.Or(variant.Replaced, refused); errno != want {
		t.Errorf("got %v, want %v", errno, want)
	}
	if attempt.Done() {
		t.Error("the effect is seen")
	}
}

// armedHooks are programs at every hook of the table. Each refuses to the
// thread whose id stands at its place in the map.
type armedHooks struct {
	places map[syscalls.SecurityHook]int
	state  *ebpf.Map
	values []byte
	has    func(function string) bool
	links  []link.Link
	closed []syscalls.SecurityHook
}

// placeSize is that of a thread id.
const placeSize = 4

func mustAttach(t *testing.T, by attachment) *armedHooks {
	t.Helper()
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip("no BTF: ", err)
	}
	_ = rlimit.RemoveMemlock() // kernels before 5.11 count the memory against it; later loads tell
	all := syscalls.AllSecurityHooks()
	hooks := &armedHooks{
		places: make(map[syscalls.SecurityHook]int),
		values: make([]byte, placeSize*len(all)),
		has: func(function string) bool {
			var f *btf.Func
			return kernel.TypeByName(function, &f) == nil
		},
	}
	hooks.state, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: uint32(len(hooks.values)), MaxEntries: 1})
	if err != nil {
		t.Fatalf("map: %v", err)
	}
	t.Cleanup(func() { _ = hooks.state.Close() })
	programs := make(map[syscalls.SecurityHook]*ebpf.Program)
	for place, hook := range all {
		if hooks.has(hook.Function()) {
			hooks.places[hook] = place
			if program := hooks.mustLoad(t, by, hook); program != nil {
				programs[hook] = program
			}
		}
	}
	t.Cleanup(hooks.detach)
	hooks.attach(t, by, programs)
	t.Logf("%d of %d hooks attached", len(hooks.links), len(all))
	return hooks
}

// mustLoad loads the program of a hook, none when the hook is closed to it as the table says. It
// skips the test where the kernel refuses trampolines.
func (h *armedHooks) mustLoad(t *testing.T, by attachment, hook syscalls.SecurityHook) *ebpf.Program {
	t.Helper()
	spec := by.spec(hook)
	spec.License = "GPL"
	spec.Instructions = asm.Instructions{
		asm.FnGetCurrentPidTgid.Call(),
		asm.Mov.Reg32(asm.R6, asm.R0),
		asm.LoadMapValue(asm.R1, h.state.FD(), uint32(h.places[hook]*placeSize)),
		asm.Mov.Imm(asm.R0, 0),
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.JNE.Reg(asm.R2, asm.R6, "leave"),
		asm.Mov.Imm(asm.R0, -int32(refused)),
		asm.Return().WithSymbol("leave"),
	}
	program, err := ebpf.NewProgram(spec)
	if errors.Is(err, unix.EPERM) {
		t.Skipf("this kernel refuses trampolines (%s): %v", by.name, err)
	}
	if err != nil && hook.ClosedToLSM() && strings.Contains(err.Error(), "disabled hook") {
		h.closed = append(h.closed, hook)
		return nil
	}
	if err != nil {
		t.Errorf("%s: %v", hook, err)
		return nil
	}
	t.Cleanup(func() { _ = program.Close() })
	return program
}

// attach attaches all programs at once: each waits for a grace period of tasks, which guests are
// slow at, and together they share it. The same goes for detach.
func (h *armedHooks) attach(t *testing.T, by attachment, programs map[syscalls.SecurityHook]*ebpf.Program) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for hook, program := range programs {
		all.Go(func() {
			attached, err := by.attach(program)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s: attach: %v", hook, err)
				return
			}
			h.links = append(h.links, attached)
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func (h *armedHooks) detach() {
	var all sync.WaitGroup
	for _, attached := range h.links {
		all.Go(func() { _ = attached.Close() })
	}
	all.Wait()
}

// mustHave returns the hooks of the call; without one of them the kernel cannot refuse it.
func (h *armedHooks) mustHave(t *testing.T, call string) []syscalls.SecurityHook {
	t.Helper()
	refusal, ok := syscalls.SecurityHooks(call)
	if !ok {
		t.Fatal("not in the table")
	}
	on, err := refusal.On(h.has)
	if err != nil {
		t.Skip(err)
	}
	for _, hook := range on {
		if slices.Contains(h.closed, hook) {
			t.Skipf("this kernel takes no LSM program at %s", hook)
		}
	}
	return on
}

// arm refuses at the hooks to the thread, 0 for none.
func (h *armedHooks) arm(t *testing.T, on []syscalls.SecurityHook, thread int) {
	t.Helper()
	clear(h.values)
	for _, hook := range on {
		binary.NativeEndian.PutUint32(h.values[h.places[hook]*placeSize:], uint32(thread))
	}
	if err := h.state.Put(uint32(0), h.values); err != nil {
		t.Fatalf("arm: %v", err)
	}
}

// eventually gives an effect that another process brings a moment to come.
func eventually(done func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}
