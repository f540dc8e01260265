// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// guards stand at the security hooks where verdicts on system calls are
// carried out, while a hook in force needs them.
type guards struct {
	engine *Engine
	at     map[syscalls.SecurityHook]*guard
	// end ends the verdicts of calls whose own return is not seen.
	end *guard
}

// guard is one attached program.
type guard struct {
	coll *ebpf.Collection
	link io.Closer
	// second is another of the same program, see atAllCalls.
	second *guard
}

func (g *guard) close() error {
	if g == nil {
		return nil
	}
	err := errors.Join(g.link.Close(), g.second.close())
	g.coll.Close()
	return err
}

// atAllCalls loads a program for the entry or the return of all system calls,
// in which once more does no harm, and where the kernel preempts tasks in
// programs a second one: it skips what the task of another program is in, see
// [kernel.Offer.Preempts], and rarely both.
func (e *Engine) atAllCalls(load func() (*guard, error)) (*guard, error) {
	g, err := load()
	if err != nil || !e.offer.Preempts() {
		return g, err
	}
	if g.second, err = load(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// open makes sure that all guards stand that the changes need.
func (gs *guards) open(changes []*change) error {
	for _, c := range changes {
		p := c.next.place
		for _, h := range p.guards {
			if err := gs.stand(h); err != nil {
				return fmt.Errorf("guard at %s: %w", h.Function(), err)
			}
		}
		if len(p.guards) != 0 && !p.endsVerdicts() && gs.end == nil {
			var err error
			if gs.end, err = gs.engine.atAllCalls(func() (*guard, error) {
				return gs.load("vd_verdict_end", "sys_exit", AttachBTFTracepoint)
			}); err != nil {
				return fmt.Errorf("end of verdicts: %w", err)
			}
		}
	}
	return nil
}

func (gs *guards) stand(h syscalls.SecurityHook) error {
	if gs.at[h] != nil {
		return nil
	}
	ways, err := gs.engine.guardAttachments(h)
	if err != nil {
		return err
	}
	var failed attachErrors
	for _, a := range ways {
		program, function := "vd_guard_lsm", string(h)
		if a == AttachFmodRet {
			program, function = "vd_guard_fmod_ret", h.Function()
		}
		g, err := gs.load(program, function, a)
		if err != nil {
			failed.add(a, err)
			continue
		}
		if gs.at == nil {
			gs.at = map[syscalls.SecurityHook]*guard{}
		}
		gs.at[h] = g
		return nil
	}
	return &failed
}

func (gs *guards) load(program, function string, a Attachment) (*guard, error) {
	spec, err := bpf.LoadGuard()
	if err != nil {
		return nil, err
	}
	keepPrograms(spec, []string{program})
	attachTo(spec.Programs[program], a, function)
	coll, err := gs.engine.newCollection(spec, gs.engine.base.replacements(spec))
	if err != nil {
		return nil, err
	}
	l, err := gs.engine.attachEntry(place{attachment: a}, coll.Programs[program])
	if err != nil {
		coll.Close()
		return nil, err
	}
	return &guard{coll: coll, link: l}, nil
}

// verdictPatience is how long verdicts on a hook's calls that are under way
// keep guards in place that nobody needs any more.
const verdictPatience = 100 * time.Millisecond

// settle gives calls that are to be refused, by the hooks with these numbers,
// time to come to their guard, and then forgets their verdicts: no other call
// of the thread is to be refused for them.
func (gs *guards) settle(ids map[uint32]bool) error {
	verdicts := gs.engine.shared["vd_verdicts"]
	for deadline := time.Now().Add(verdictPatience); ; time.Sleep(time.Millisecond) {
		var left []uint32
		var tid uint32
		var v bpf.Verdict
		it := verdicts.Iterate()
		for it.Next(&tid, &v) {
			if ids[v.Hook] {
				left = append(left, tid)
			}
		}
		if err := it.Err(); err != nil {
			return fmt.Errorf("verdicts: %w", err)
		}
		if len(left) == 0 {
			return nil
		}
		if time.Now().Before(deadline) {
			continue
		}
		for _, tid := range left {
			if err := ignoreMissing(verdicts.Delete(tid)); err != nil {
				return fmt.Errorf("verdicts: %w", err)
			}
		}
		return nil
	}
}

// closeUnused takes the guards away that no hook needs.
func (gs *guards) closeUnused(hooks map[compile.HookKey]*installed) error {
	needed := map[syscalls.SecurityHook]bool{}
	for h := range gs.engine.enforcer.guards {
		needed[h] = true
	}
	end := false
	for _, h := range hooks {
		for _, g := range h.place.guards {
			needed[g] = true
		}
		end = end || len(h.place.guards) != 0 && !h.place.endsVerdicts()
	}
	var errs []error
	for h, g := range gs.at {
		if !needed[h] {
			errs = append(errs, g.close())
			delete(gs.at, h)
		}
	}
	if !end {
		errs = append(errs, gs.end.close())
		gs.end = nil
	}
	return errors.Join(errs...)
}

func (gs *guards) close() error { return gs.closeUnused(nil) }
