// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/compile/corpus"
	"github.com/vedette-io/vedette/internal/compile/naive"
	"github.com/vedette-io/vedette/internal/record"
)

// corpusSets is how many sets of policies go through the kernel;
// VEDETTE_CORPUS_SETS sets another number. Each of their hooks gets corpusEvents
// events: to load a program takes longer than to run it hundreds of times. All
// in all there are at least corpusCases, so that the three kernels of a CI run
// see more than 50,000.
const (
	corpusSets   = 120
	corpusEvents = 170
	corpusCases  = 50_000
)

// corpusSeeds is where the seeds start; the compiler's own test has others.
const corpusSeeds = 1 << 32

// TestKernelAgreesWithNaive runs random policies and events through the
// programs in the kernel and compares with the naive implementation.
func TestKernelAgreesWithNaive(t *testing.T) {
	base, engine := mustEngine(t, Options{})
	sets := corpusSets
	if n, err := strconv.Atoi(os.Getenv("VEDETTE_CORPUS_SETS")); err == nil {
		sets = n
	}
	reader, err := ringbuf.NewReader(base.Bulk())
	mustNil(t, err)
	defer reader.Close()
	cases, matched := 0, 0
	for seed := uint64(corpusSeeds); seed < corpusSeeds+uint64(sets); seed++ {
		set := corpus.New(seed)
		plan, err := compile.Compile(set.Input())
		mustNil(t, err)
		for _, h := range plan.Hooks {
			c := &corpusHook{set: set, plan: plan, reader: reader}
			c.load(t, engine, h)
			n, m := c.run(t, corpusEvents, func(*naive.Event) {})
			cases, matched = cases+n, matched+m
		}
	}
	t.Logf("%d events on %d sets of policies, %d with a match", cases, sets, matched)
	if matched == 0 || matched == cases {
		t.Errorf("%d of %d events matched: the corpus decides nothing", matched, cases)
	}
	if sets >= corpusSets && cases < corpusCases {
		t.Errorf("%d events, want at least %d", cases, corpusCases)
	}
}

// corpusHook is one hook of a set of policies, loaded.
type corpusHook struct {
	set    *corpus.Set
	plan   *compile.Plan
	prog   *program
	hook   *compile.Hook
	reader *ringbuf.Reader
}

func (c *corpusHook) load(t testing.TB, e *Engine, h *compile.Hook) {
	t.Helper()
	shape, err := e.shapeAt(h, 1, place{attachment: AttachRawTracepoint, function: h.Key.Name})
	mustNil(t, err)
	p, err := e.load(h, shape, 2)
	mustLoad(t, err)
	t.Cleanup(p.close)
	at := half(c.set.Seed % 2)
	mustNil(t, p.write(at, &tables{hook: h, generation: 1, owners: make([]string, len(h.Groups))}))
	mustNil(t, p.use(at))
	c.prog, c.hook = p, h
}

// run sends events, each prepared before; returns how many there were, none
// where the set has none on the hook, and how many of them matched.
func (c *corpusHook) run(t *testing.T, events int, prepare func(*naive.Event)) (cases, matched int) {
	t.Helper()
	for i, event := range c.set.Mixed(c.at(), events) {
		prepare(event)
		want, got := c.want(event), c.kernel(t, event)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d, event %d: the kernel says %x, the naive implementation %x\nevent %+v", c.set.Seed, i, got, want, *event)
		}
		cases++
		if got != nil {
			matched++
		}
	}
	return cases, matched
}

// at is the hook as events name it.
func (c *corpusHook) at() naive.Hook {
	for _, e := range c.set.Events {
		if corpus.Hook(c.plan, e.Hook) == c.hook {
			return e.Hook
		}
	}
	return naive.Hook{}
}

// want is the vector of the rules that act, nil for none.
func (c *corpusHook) want(event *naive.Event) []uint64 {
	var words []uint64
	for _, v := range c.set.Acting(event) {
		for _, r := range c.hook.Rules {
			g := c.hook.Groups[r.Group]
			if g.Policy != v.Policy || g.Section != v.Section || g.Entry != v.Entry || int(r.Selector) != v.Selector {
				continue
			}
			if words == nil {
				words = make([]uint64, c.hook.Words)
			}
			words[r.Bit/64] |= 1 << (r.Bit % 64)
		}
	}
	return words
}

// kernel runs the program on an event, and returns the vector of its record,
// nil if it sends none.
func (c *corpusHook) kernel(t *testing.T, event *naive.Event) []uint64 {
	t.Helper()
	var args [5]uint64
	var pins runtime.Pinner
	defer pins.Unpin()
	for i := range args {
		arg, ok := event.Args[uint32(i)]
		args[i] = arg.Register
		if !ok {
			args[i] = nodes(event.Nodes, &pins)
			continue
		}
		if i >= 3 {
			text := pointed(arg)
			pins.Pin(&text[0])
			args[i] = uint64(uintptr(unsafe.Pointer(&text[0])))
		}
	}
	if _, err := c.prog.coll.Programs[progRawTracepoint].Run(&ebpf.RunOptions{Context: args}); err != nil {
		t.Fatal(err)
	}
	return c.record(t)
}

// nodes puts nodes into memory, and returns the address of the first, 0 if
// there is none.
func nodes(all []naive.Node, pins *runtime.Pinner) uint64 {
	next := uint64(0)
	for _, n := range slices.Backward(all) {
		text := append([]byte(n.Text), 0)
		raw := make([]byte, corpus.NodeSize)
		for i := range raw {
			raw[i] = 0xa5 // what no field is
		}
		binary.NativeEndian.PutUint32(raw[corpus.SmallOffset:], n.Small)
		raw[corpus.BitsOffset] = n.Bits<<corpus.BitsShift | 5
		binary.NativeEndian.PutUint64(raw[corpus.WideOffset:], uint64(n.Wide))
		binary.NativeEndian.PutUint64(raw[corpus.NextOffset:], next)
		binary.NativeEndian.PutUint64(raw[corpus.TextOffset:], uint64(uintptr(unsafe.Pointer(&text[0]))))
		pins.Pin(&text[0])
		pins.Pin(&raw[0])
		next = uint64(uintptr(unsafe.Pointer(&raw[0])))
	}
	return next
}

// pointed is the memory of the process that an argument points to.
func pointed(arg naive.Arg) []byte {
	switch {
	case arg.Net != nil && arg.Text != "":
		return corpus.SockaddrUn(arg.Net, arg.Text)
	case arg.Net != nil:
		return corpus.Sockaddr(arg.Net)
	}
	return append([]byte(arg.Text), 0)
}

func (c *corpusHook) record(t *testing.T) []uint64 {
	t.Helper()
	var decoder record.Decoder
	c.reader.SetDeadline(time.Unix(1, 0)) // do not wait
	var words []uint64
	for {
		raw, err := c.reader.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return words
		}
		mustNil(t, err)
		var r record.Record
		mustNil(t, decoder.Decode(raw.RawSample, &r))
		if r.Type != record.TypeHook {
			continue // a process of the machine
		}
		if words != nil {
			t.Fatal("two records for one event")
		}
		words = slices.Clone(r.Hook.Vector()[:c.hook.Words])
	}
}
