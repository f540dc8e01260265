// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/policy"
)

// costs measures what parts of a hook's program cost when an event matches
// nothing. In a guest that counts instructions (vmrun -icount) a nanosecond is
// one. All programs have a selector on the process's id, which decides first:
// what a program costs more that reads an argument besides, is what reading
// it costs; what it costs more that has one more selector, is what that costs
// with the reading of its argument.
type costs struct {
	engine *Engine
	memory *kernelMemory
	pins   runtime.Pinner
	// values are the arguments by their type.
	values map[string][]uint64
	// nothing is what a program costs with no argument.
	nothing float64
}

// noProcess is a selector that no process satisfies.
const noProcess = "matchPIDs: [{operator: In, values: [2147483646]}]"

// argTypeCost is an argument whose reading is measured: the first of args.
type argTypeCost struct{ name, args string }

// argTypeCosts are one of each class of types that are read alike.
var argTypeCosts = []argTypeCost{
	plain("int"), plain("uint64"), plain("capability"), plain("bpf_cmd"), plain("syscall64"),
	plain("string"), plain("filename"), sized("char_buf"), sized("char_iovec"), plain("iov_iter"),
	plain("fd"), plain("file"), plain("path"), plain("dentry"), plain("kiocb"), plain("linux_binprm"),
	plain("sock"), plain("socket"), plain("skb"), plain("sockaddr"), sized("sockaddr_un"),
	plain("cred"), {"kernel_cap_t", "{index: 0, type: kernel_cap_t}, {index: 1, type: kernel_cap_t}"}, plain("user_namespace"),
	plain("module"), plain("load_info"), plain("net_device"),
	plain("bpf_attr"), plain("bpf_map"), plain("bpf_prog"), plain("perf_event"),
	resolved("resolve, a member", "small"), resolved("resolve, along a pointer", "next.small"), resolved("resolve, along two pointers", "next.next.small"),
}

func plain(typ string) argTypeCost { return argTypeCost{typ, "{index: 0, type: " + typ + "}"} }

func sized(typ string) argTypeCost {
	return argTypeCost{typ, "{index: 0, type: " + typ + ", sizeArgIndex: 2}, {index: 1, type: uint64}"}
}

func resolved(name, path string) argTypeCost {
	return argTypeCost{name, "{index: 0, type: auto, btfType: node, resolve: " + path + "}"}
}

// selectorCost is a selector that is measured, which the event does not
// satisfy.
type selectorCost struct {
	name string
	// typ names the argument in argTypeCosts, empty for none.
	typ      string
	selector string
	// over is the selector that the event does not satisfy where it satisfies
	// this one, by its name, empty for none.
	over string
}

func onArgument(operator, values string) string {
	return fmt.Sprintf("matchArgs: [{index: 0, operator: %s, values: [%s]}]", operator, values)
}

// selectorCosts are one of each kind of selector and operator.
var selectorCosts = []selectorCost{
	{"matchPIDs", "", "matchPIDs: [{operator: In, values: [2147483645]}]", ""},
	{"matchPIDs of a namespace", "", "matchPIDs: [{operator: In, isNamespacePID: true, values: [2147483646]}]", ""},
	{"matchPIDs followForks", "", "matchPIDs: [{operator: In, followForks: true, values: [2147483646]}]", ""},
	{"matchBinaries In", "", "matchBinaries: [{operator: In, values: [/no/such]}]", ""},
	{"matchBinaries Prefix", "", "matchBinaries: [{operator: Prefix, values: [/no/such]}]", ""},
	{"matchBinaries Postfix", "", "matchBinaries: [{operator: Postfix, values: [nothing]}]", ""},
	{"matchBinaries followChildren", "", "matchBinaries: [{operator: In, followChildren: true, values: [/no/such]}]", ""},
	{"matchParentBinaries", "", "matchParentBinaries: [{operator: In, values: [/no/such]}]", ""},
	{"matchNamespaces", "", "matchNamespaces: [{namespace: Mnt, operator: In, values: ['1']}]", ""},
	{"matchNamespaces, three", "", "matchNamespaces: [{namespace: Mnt, operator: NotIn, values: ['1']}, {namespace: Net, operator: NotIn, values: ['1']}, {namespace: Pid, operator: In, values: ['1']}]", ""},
	{"matchNamespaceChanges", "", "matchNamespaceChanges: [{operator: In, values: [Mnt, Net]}]", ""},
	{"matchCapabilities", "", "matchCapabilities: [{type: Inheritable, operator: In, values: [CAP_SYS_ADMIN]}]", ""},
	{"matchWorkloads", "", "matchWorkloads: [{hostSelector: {}}], matchCapabilities: [{type: Inheritable, operator: In, values: [CAP_SYS_ADMIN]}]", "matchCapabilities"},
	{"matchCapabilityChanges", "", "matchCapabilityChanges: [{type: Effective, operator: In, values: [CAP_SYS_ADMIN]}]", ""},
	{"Equal, int", "int", onArgument("Equal", "'77'"), ""},
	{"NotEqual, int", "int", onArgument("NotEqual", "'1'"), ""},
	{"GT, int", "int", onArgument("GT", "'77'"), ""},
	{"InRange, int", "int", onArgument("InRange", "'70:77'"), ""},
	{"Mask, int", "int", onArgument("Mask", "'64'"), ""},
	{"InMap, int, 1,000 values", "int", onArgument("InMap", numbers(1000)), ""},
	{"Equal, string", "string", onArgument("Equal", "nothing"), ""},
	{"Prefix, string", "string", onArgument("Prefix", "nothing"), ""},
	{"Prefix, string, 1,000 values", "string", onArgument("Prefix", words(1000)), ""},
	{"Postfix, string", "string", onArgument("Postfix", "nothing"), ""},
	{"Postfix, string, 1,000 values", "string", onArgument("Postfix", words(1000)), ""},
	{"SubString, string", "string", onArgument("SubString", "nothing"), ""},
	{"SubString, string, 1,000 values", "string", onArgument("SubString", words(1000)), ""},
	{"SubStringIgnCase, string", "string", onArgument("SubStringIgnCase", "nothing"), ""},
	{"CelExpr, int", "int", "matchArgs: [{operator: CelExpr, values: ['arg0 == 77']}]", ""},
	{"Prefix, file", "file", onArgument("Prefix", "/no/such"), ""},
	{"Prefix, file, 1,000 values", "file", onArgument("Prefix", words(1000)), ""},
	{"Postfix, file", "file", onArgument("Postfix", "nothing"), ""},
	{"SubString, file", "file", onArgument("SubString", "nothing"), ""},
	{"FileType, file", "file", onArgument("FileType", "fifo"), ""},
	{"Family, sock", "sock", onArgument("Family", "AF_UNIX"), ""},
	{"Protocol, sock", "sock", onArgument("Protocol", "IPPROTO_TCP"), ""},
	{"State, sock", "sock", onArgument("State", "TCP_LISTEN"), ""},
	{"DPort, sock", "sock", onArgument("DPort", "'1'"), ""},
	{"DPort, sock, 1,000 values", "sock", onArgument("DPort", numbers(1000)), ""},
	{"DPortPriv, sock", "sock", "matchArgs: [{index: 0, operator: DPortPriv}]", ""},
	{"DAddr, sock", "sock", onArgument("DAddr", "10.0.0.1"), ""},
	{"DAddr, sock, 1,000 values", "sock", onArgument("DAddr", addresses(1000)), ""},
	{"DAddr, sockaddr of IPv6", "sockaddr", onArgument("SAddr", "'2001:db8::1'"), ""},
	{"Equal, kernel_cap_t", "kernel_cap_t", onArgument("Equal", "CAP_SYS_ADMIN"), ""},
	{"CapabilitiesGained", "kernel_cap_t", "matchArgs: [{args: [0, 1], operator: CapabilitiesGained, values: [CAP_SYS_ADMIN]}]", ""},
}

func numbers(n int) string {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf("'%d'", 2*i+101))
	}
	return strings.Join(values, ", ")
}

func words(n int) string {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf("nothing%d", i*7919%n))
	}
	return strings.Join(values, ", ")
}

func addresses(n int) string {
	var values []string
	for i := range n {
		values = append(values, netip.AddrFrom4([4]byte{10, byte(i * 7), byte(i >> 8), byte(i)}).String())
	}
	return strings.Join(values, ", ")
}

// BenchmarkCosts tells what reading each class of argument costs, and each
// kind of selector over reading its argument.
func BenchmarkCosts(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, engine := mustEngine(b, Options{})
	c := &costs{engine: engine, memory: mustKernelMemory(b)}
	defer c.pins.Unpin()
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	mustNil(b, err)
	defer stats.Close()
	c.findValues(b)
	empty := c.memory.mustProgram(nil)
	floor := c.cost(b, empty, []uint64{0})
	c.nothing = c.mustCost(b, "", []string{noProcess}, false)
	b.Run("program", func(b *testing.B) { report(b, c.nothing-floor) })
	base := map[string]float64{"": 0} // what is measured on top of
	for _, t := range argTypeCosts {
		b.Run("argument/"+t.name, func(b *testing.B) {
			base[t.name] = c.mustCost(b, t.name, []string{noProcess}, true) - c.nothing
			report(b, base[t.name])
		})
	}
	b.Run("event/file, read", func(b *testing.B) { report(b, c.nothing-floor+base["file"]) })
	b.Run("event/file, one Prefix", func(b *testing.B) {
		report(b, c.mustCost(b, "file", []string{onArgument("Prefix", "/no/such")}, false)-floor)
	})
	for _, s := range selectorCosts {
		b.Run("selector/"+s.name, func(b *testing.B) {
			if _, ok := base[s.typ]; !ok {
				b.Skip("needs the figure of its argument")
			}
			base[s.name] = c.mustCost(b, s.typ, []string{noProcess, s.selector}, false) - c.nothing - base[s.typ]
			report(b, base[s.name]-base[s.over])
		})
	}
}

func report(b *testing.B, instructions float64) {
	for b.Loop() {
		runtime.KeepAlive(instructions)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(instructions, "instructions")
}

// mustCost is what a program costs with selectors; with read, it reads its
// argument all the same.
func (c *costs) mustCost(b *testing.B, typ string, selectors []string, read bool) float64 {
	b.Helper()
	if typ != "" && c.values[typ] == nil {
		b.Skip("this kernel has no such object here")
	}
	args := ""
	for _, t := range argTypeCosts {
		if t.name == typ {
			args = t.args
		}
	}
	text := policyOf("  tracepoints:\n  - subsystem: a\n    event: b\n    raw: true\n    args: [" + args + "]\n    selectors: [{" + strings.Join(selectors, "}, {") + "}]\n")
	p := mustCostProgram(b, c.engine, text, read)
	defer p.close()
	return c.cost(b, p.coll.Programs[progRawTracepoint], c.values[typ])
}

// mustCostProgram loads the program of a policy; with read, its first
// dimension reads the first argument, which it does not look at.
func mustCostProgram(b *testing.B, e *Engine, text string, read bool) *program {
	b.Helper()
	policies, diags := policy.Parse("costs", []byte(text))
	if policy.HasErrors(diags) {
		b.Fatal(diags)
	}
	// Not with the kernel's types: there is no such tracepoint.
	plan, err := compile.Compile(compile.Input{
		Policies:       []compile.InputPolicy{{Policy: policies[0], FollowBit: -1}},
		HostNamespaces: corpus.HostNamespaces(), Types: corpus.New(0).Input().Types,
	})
	mustNil(b, err)
	h := plan.Hooks[0]
	shape, err := e.shapeAt(h, 1, place{attachment: AttachRawTracepoint, function: h.Key.Name})
	mustNil(b, err)
	if read {
		shape.config.Dims[0].Flags |= uint8(bpf.ContractVdDimFlagsVD_DIM_FETCH)
	}
	p, err := e.load(h, shape, 2)
	mustLoad(b, err)
	mustNil(b, p.write(0, &tables{hook: h, generation: 1, owners: make([]string, len(h.Groups))}))
	mustNil(b, p.use(0))
	return p
}

// cost is the time of one run of a program in nanoseconds, in the best of
// several rounds: interrupts are counted with what they interrupt.
func (c *costs) cost(b *testing.B, p *ebpf.Program, args []uint64) float64 {
	b.Helper()
	const rounds, runs = 5, 200
	var raw [6]uint64
	copy(raw[:], args)
	least := math.Inf(1)
	for range rounds {
		before, err := p.Stats()
		mustNil(b, err)
		for range runs {
			_, err := p.Run(&ebpf.RunOptions{Context: raw})
			mustNil(b, err)
		}
		after, err := p.Stats()
		mustNil(b, err)
		least = min(least, float64(after.Runtime-before.Runtime)/float64(after.RunCount-before.RunCount))
	}
	return least
}

// pinned is the address of bytes of this process.
func (c *costs) pinned(content []byte) uint64 {
	c.pins.Pin(&content[0])
	return uint64(uintptr(unsafe.Pointer(&content[0])))
}

// aPath is text of 30 bytes.
const aPath = "/usr/lib/x86_64-linux-gnu/libc"

// findValues finds an argument of each type.
func (c *costs) findValues(b *testing.B) {
	b.Helper()
	text := append([]byte(aPath), 0)
	user := c.pinned(text)
	segment := make([]byte, 16)
	binary.NativeEndian.PutUint64(segment, user)
	binary.NativeEndian.PutUint64(segment[8:], uint64(len(aPath)))
	m := c.memory
	named := mustNamedFile(b)
	file := m.file(int(named.Fd()))
	cred := m.follow(m.current(), "task_struct", "cred")
	caps := cred + m.mustOffset("cred", "cap_inheritable")
	kernelText := m.mustPlace(text)
	c.values = map[string][]uint64{
		"int": {1}, "uint64": {1}, "capability": {1}, "bpf_cmd": {1}, "syscall64": {1},
		"string": {user}, "char_buf": {user, uint64(len(aPath))}, "char_iovec": {c.pinned(segment), 1},
		"filename": m.object("filename", map[string]uint64{"name": kernelText}),
		"fd":       {uint64(named.Fd())}, "file": {file}, "path": {file + m.mustOffset("file", "f_path")},
		"dentry": {m.follow(file+m.mustOffset("file", "f_path"), "path", "dentry")},
		"kiocb":  m.object("kiocb", map[string]uint64{"ki_filp": file}), "linux_binprm": m.object("linux_binprm", map[string]uint64{"file": file}),
		"sockaddr":    {c.pinned(corpus.Sockaddr(&naive.Net{Family: unix.AF_INET6, Source: netip.MustParseAddr("2001:db8::7"), SPort: 4000}))},
		"sockaddr_un": {c.pinned(corpus.SockaddrUn(&naive.Net{Family: unix.AF_UNIX}, aPath)), 110},
		"cred":        {cred}, "kernel_cap_t": {caps, caps}, "user_namespace": {m.follow(cred, "cred", "user_ns")},
		"load_info":  m.object("load_info", map[string]uint64{"name": kernelText}),
		"module":     {m.mustPlace(make([]byte, 1))},
		"net_device": {m.follow(m.current(), "task_struct", "nsproxy", "nsproxy", "net_ns", "net", "loopback_dev")},
		"bpf_attr":   {c.pinned(make([]byte, 128))},
	}
	c.values["iov_iter"] = c.iterator(c.values["char_iovec"][0], len(aPath))
	node := c.node(c.node(c.node(0)))
	for _, t := range argTypeCosts {
		if strings.HasPrefix(t.name, "resolve") {
			c.values[t.name] = []uint64{node}
		}
	}
	c.findSockets(b)
	c.findBPF(b)
}

// node is a node for paths that are resolved, in the memory of this process.
func (c *costs) node(next uint64) uint64 {
	raw := make([]byte, corpus.NodeSize)
	binary.NativeEndian.PutUint64(raw[corpus.NextOffset:], next)
	return c.pinned(raw)
}

// iterator is a struct iov_iter over one segment, as kernels since 6.4 have it.
func (c *costs) iterator(segment uint64, n int) []uint64 {
	const iovec = 1 // ITER_IOVEC
	var s *btf.Struct
	mustNil(c.memory.tb, c.memory.spec.TypeByName("iov_iter", &s))
	if _, ok := memberOffset(s.Members, "__iov"); !ok {
		return nil
	}
	return c.memory.object("iov_iter", map[string]uint64{"iter_type": iovec, "count": uint64(n), "__iov": segment, "nr_segs": 1})
}

func (c *costs) findSockets(b *testing.B) {
	b.Helper()
	m := c.memory
	socket := m.follow(m.file(mustDatagrams(b)), "file", "private_data")
	sock := m.follow(socket, "socket", "sk")
	c.values["socket"], c.values["sock"] = []uint64{socket}, []uint64{sock}
	c.values["skb"] = []uint64{m.follow(sock+m.mustOffset("sock", "sk_receive_queue"), "sk_buff_head", "next")}
}

func (c *costs) findBPF(b *testing.B) {
	b.Helper()
	m := c.memory
	c.values["bpf_map"] = []uint64{m.follow(m.file(m.word.FD()), "file", "private_data")}
	c.values["bpf_prog"] = []uint64{m.follow(m.file(m.read.FD()), "file", "private_data")}
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_DUMMY}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		b.Log("no event of perf: ", err)
		return
	}
	event := os.NewFile(uintptr(fd), "perf")
	b.Cleanup(func() { mustNil(b, event.Close()) })
	c.values["perf_event"] = []uint64{m.follow(m.file(fd), "file", "private_data")}
}
