// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/kernel"
)

// target is a place in a program, as it was in the file when the hook was
// loaded. It stays the same while the hook is there.
type target struct {
	path     string
	identity executable.Identity
	spots    []spot
	// variants are the ways in which the spots of a static probe have its
	// arguments, as the notes tell them.
	variants [][]string
	// cookies says that the kernel can tell a program at which of the spots it runs.
	cookies bool
	// returns says that the return of what is there can be watched.
	returns bool
}

// spot is one place in a file.
type spot struct {
	// offset and semaphore are in the file, in bytes; semaphore 0 is none.
	offset, semaphore uint64
	variant           uint64
}

// maxSpots is how many places one static probe can have.
const maxSpots = 1024

// targetOf looks up where in its file a hook is.
func (e *Engine) targetOf(h *compile.Hook) (*target, error) {
	site, ok := h.Site()
	if !ok {
		return nil, errors.New("not in a program")
	}
	if old := e.hooks[h.Key]; old != nil {
		return old.post.place.target, old.post.place.target.checkVerified(h)
	}
	f, err := e.files.open(site.Path)
	if err != nil {
		return nil, err
	}
	t := &target{path: site.Path, identity: f.Identity()}
	if err := errors.Join(t.checkVerified(h), checkStamp(f, h)); err != nil {
		return nil, err
	}
	if site.By == compile.SiteUSDT {
		err = t.findProbe(f, site)
	} else {
		err = t.findSpot(f, site)
	}
	if len(t.variants) > 1 {
		t.cookies = e.offer.Check(kernel.FeatureCookies) == nil
	}
	return t, err
}

// findSpot finds the place of a uprobe.
func (t *target) findSpot(f *executable.File, site compile.Site) error {
	offset, err := offsetOf(f, site)
	t.spots = []spot{{offset: offset, semaphore: site.RefCtrOffset}}
	return err
}

// findProbe finds the places of a static probe.
func (t *target) findProbe(f *executable.File, site compile.Site) error {
	probes, err := f.Probes(site.Provider, site.Name)
	if err != nil {
		return err
	}
	if len(probes) > maxSpots {
		return fmt.Errorf("%s: the static probe %s:%s has %d places, the limit is %d", t.path, site.Provider, site.Name, len(probes), maxSpots)
	}
	for _, p := range probes {
		v := slices.IndexFunc(t.variants, func(args []string) bool { return slices.Equal(args, p.Args) })
		if v < 0 {
			v = len(t.variants)
			t.variants = append(t.variants, p.Args)
		}
		t.spots = append(t.spots, spot{offset: p.Offset, semaphore: p.Semaphore, variant: uint64(v)})
	}
	return nil
}

// checkReturn refuses to watch returns where that would break the program: a
// probe of a return exchanges what is on top of the stack, which is a return
// address only where a function begins.
func (t *target) checkReturn(files *programFiles) error {
	if t.returns {
		return nil
	}
	f, err := t.open(files)
	if err != nil {
		return err
	}
	begins, err := f.BeginsFunction(t.spots[0].offset)
	switch {
	case err != nil:
		return err
	case f.IsGo():
		return fmt.Errorf("%s: the return of a Go function cannot be told: it would end the program, which moves its stacks", t.path)
	case !begins:
		return fmt.Errorf("%s: no function is known to begin at offset %#x: its return cannot be told", t.path, t.spots[0].offset)
	}
	t.returns = true
	return nil
}

// open opens the file that the target was found in.
func (t *target) open(files *programFiles) (*executable.File, error) {
	f, err := files.open(t.path)
	if err != nil {
		return nil, err
	}
	if f.Identity() != t.identity {
		return nil, fmt.Errorf("%s: the file has changed since the hook was attached: delete the policies on it first", t.path)
	}
	return f, nil
}

// programFiles are open files by their paths: many hooks can be in one file,
// whose symbols are then read once.
type programFiles struct {
	byPath map[string]*executable.File
}

// open opens a file that is not open yet. It is not to be closed by the caller.
func (p *programFiles) open(path string) (*executable.File, error) {
	if f := p.byPath[path]; f != nil {
		return f, nil
	}
	f, err := executable.Open(path)
	if err != nil {
		return nil, err
	}
	if p.byPath == nil {
		p.byPath = map[string]*executable.File{}
	}
	p.byPath[path] = f
	return f, nil
}

// close closes all files. They were only read: nothing is lost where that fails.
func (p *programFiles) close() {
	for _, f := range p.byPath {
		_ = f.Close()
	}
	p.byPath = nil
}

// probeCandidates are the places of a hook in a program.
func (e *Engine) probeCandidates(h *compile.Hook, n needs) ([]candidate, error) {
	t, err := e.targetOf(h)
	if err == nil {
		err = t.checkSets(h)
	}
	if err == nil && n.returns {
		err = t.checkReturn(&e.files)
	}
	if err != nil {
		return nil, err
	}
	single := kernel.FeatureUprobe
	if slices.ContainsFunc(t.spots, func(s spot) bool { return s.semaphore != 0 }) {
		single = kernel.FeatureUSDT
	}
	return []candidate{
		{place: place{attachment: AttachUprobeMulti, function: h.Key.Name, target: t}, lacks: e.offersAll(n, kernel.FeatureUprobeMulti)},
		{place: place{attachment: AttachUprobe, function: h.Key.Name, target: t}, lacks: e.offersAll(n, single)},
	}, nil
}

// attach attaches a program at all places of the target, or at the returns
// of the function that begins there.
func (t *target) attach(files *programFiles, a Attachment, prog *ebpf.Program, returns bool) (io.Closer, error) {
	f, err := t.open(files)
	if err != nil {
		return nil, err
	}
	exe, err := link.OpenExecutable(f.OpenPath())
	if err != nil {
		return nil, err
	}
	var l io.Closer
	if a == AttachUprobeMulti {
		l, err = t.attachMulti(exe, prog, returns)
	} else {
		l, err = t.attachEach(exe, prog, returns)
	}
	if errors.Is(err, unix.EINVAL) {
		err = fmt.Errorf("%w; are there hooks at this place with different reference counters?", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path, err)
	}
	return l, nil
}

// attachMulti attaches to all places at once.
func (t *target) attachMulti(exe *link.Executable, prog *ebpf.Program, returns bool) (io.Closer, error) {
	opts := &link.UprobeMultiOptions{}
	for _, s := range t.spots {
		opts.Addresses = append(opts.Addresses, s.offset)
		opts.RefCtrOffsets = append(opts.RefCtrOffsets, s.semaphore)
		opts.Cookies = append(opts.Cookies, s.variant)
	}
	if returns {
		return exe.UretprobeMulti(nil, prog, opts)
	}
	return exe.UprobeMulti(nil, prog, opts)
}

// attachEach attaches to one place after the other.
func (t *target) attachEach(exe *link.Executable, prog *ebpf.Program, returns bool) (io.Closer, error) {
	attach := exe.Uprobe
	if returns {
		attach = exe.Uretprobe
	}
	var all closers
	for _, s := range t.spots {
		l, err := attach("", prog, &link.UprobeOptions{Address: s.offset, RefCtrOffset: s.semaphore, Cookie: t.cookie(s)})
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all = append(all, l)
	}
	return all, nil
}

// cookie says which variant a place is, where that can be told.
func (t *target) cookie(s spot) uint64 {
	if !t.cookies {
		return 0
	}
	return s.variant
}

// closers are closed together.
type closers []io.Closer

// Close closes all of them, the last first.
func (c closers) Close() error {
	var errs []error
	for _, one := range slices.Backward(c) {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// offset is where a uprobe is in its file, in bytes, and 0 for other places.
func (p place) offset() uint64 {
	if p.target == nil || len(p.target.variants) != 0 {
		return 0
	}
	return p.target.spots[0].offset
}
