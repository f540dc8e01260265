// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/syscalls"
)

// enforcement carries out what policies note for their enforcers, while a
// policy with an enforcer is in force (bpf/enforcer.bpf.c).
type enforcement struct {
	engine *Engine
	// enter and exit are at the entry and the return of all system calls.
	enter, exit *guard
	// at are those at functions.
	at map[enforcedPlace]*guard
	// guards are at the security hooks on the way of system calls.
	guards map[syscalls.SecurityHook]bool
	// enforced is vd_enforced, and written what stands in it.
	enforced *ebpf.Map
	written  map[uint32]uint64
	// functions are the numbers of security functions.
	functions map[string]uint32
	inForce   []compile.Enforcer
}

// enforcedPlace is a function at which enforcers act.
type enforcedPlace struct {
	function string
	// wrapper says that it is that of a system call.
	wrapper bool
	key     uint32
}

// enforcedWays are all places that enforcers need.
type enforcedWays struct {
	at     map[enforcedPlace]bool
	guards map[syscalls.SecurityHook]bool
	// masks are the rows of vd_enforced.
	masks map[uint32]uint64
}

// open makes sure that everything stands that enforcers need, beside what
// those in force need.
func (en *enforcement) open(enforcers []compile.Enforcer, changes []*change) error {
	if len(enforcers) == 0 {
		return nil
	}
	ways, err := en.waysOf(enforcers)
	if err != nil {
		return err
	}
	if len(ways.masks) > compile.MaxEnforced {
		return fmt.Errorf("the enforcers of all policies list %d calls, the limit is %d", len(ways.masks), compile.MaxEnforced)
	}
	if err := en.openCalls(changes); err != nil {
		return err
	}
	for key, mask := range ways.masks {
		if err := en.write(key, en.written[key]|mask); err != nil {
			return err
		}
	}
	for place := range ways.at {
		if err := en.stand(place); err != nil {
			return fmt.Errorf("enforcer at %s: %w", place.function, err)
		}
	}
	for hook := range ways.guards {
		if err := en.engine.guards.stand(hook); err != nil {
			return fmt.Errorf("enforcer's guard at %s: %w", hook.Function(), err)
		}
	}
	return nil
}

// openCalls puts programs at the entry and the return of system calls. The one
// at the entry must be behind all hooks there, so it is put there anew for new
// ones; twice for a moment it does no more than once.
func (en *enforcement) openCalls(changes []*change) error {
	if en.exit == nil {
		var err error
		if en.exit, err = en.atAllCalls("vd_enforce_exit", "sys_exit"); err != nil {
			return fmt.Errorf("enforcer at the return of system calls: %w", err)
		}
	}
	if en.enter != nil && !slices.ContainsFunc(changes, func(c *change) bool { return c.freshPost }) {
		return nil
	}
	enter, err := en.atAllCalls("vd_enforce_enter", sysEnter)
	if err != nil {
		return fmt.Errorf("enforcer at the entry of system calls: %w", err)
	}
	old := en.enter
	en.enter = enter
	return old.close()
}

func (en *enforcement) atAllCalls(program, tracepoint string) (*guard, error) {
	return en.engine.atAllCalls(func() (*guard, error) {
		return en.load(program, AttachBTFTracepoint, tracepoint, enforcedPlace{})
	})
}

// waysOf finds out where enforcers can act.
func (en *enforcement) waysOf(enforcers []compile.Enforcer) (enforcedWays, error) {
	ways := enforcedWays{at: map[enforcedPlace]bool{}, guards: map[syscalls.SecurityHook]bool{}, masks: map[uint32]uint64{}}
	for _, one := range enforcers {
		for _, call := range one.Calls {
			key, err := en.way(&ways, &one, call)
			if err != nil {
				return ways, fmt.Errorf("enforcer: %s: %w", call.Key.Name, err)
			}
			ways.masks[key] |= 1 << one.Bit
		}
	}
	return ways, nil
}

// way finds out how an enforcer acts at a call, and returns the call's key.
func (en *enforcement) way(ways *enforcedWays, one *compile.Enforcer, call compile.EnforcedCall) (uint32, error) {
	if call.Key.Kind == compile.HookFunction {
		if err := en.checkFunction(call.Key.Name); err != nil {
			return 0, err
		}
		key := en.functionKey(call.Key.Name)
		ways.at[enforcedPlace{function: call.Key.Name, key: key}] = true
		return key, nil
	}
	if len(one.Errors) == 0 {
		return call.Number, nil
	}
	wrapper := en.engine.wrapperOf(call.Key)
	if en.engine.offer.CheckFmodRet(wrapper) == nil {
		ways.at[enforcedPlace{function: wrapper, wrapper: true, key: call.Number}] = true
		return call.Number, nil
	}
	asks := &compile.Hook{Key: call.Key}
	for _, e := range one.Errors {
		asks.Rules = append(asks.Rules, compile.Rule{Flags: compile.RuleOverride, Error: e})
	}
	g := en.engine.guardsOf(asks, needs{overrides: true})
	for _, hook := range g.at {
		ways.guards[hook] = true
	}
	return call.Number, g.err
}

// functionKey is the key of a security function.
func (en *enforcement) functionKey(name string) uint32 {
	if en.functions == nil {
		en.functions = map[string]uint32{}
	}
	if _, ok := en.functions[name]; !ok {
		en.functions[name] = uint32(bpf.ContractVdEnforcedKeyVD_ENFORCED_FUNCTION) | uint32(len(en.functions))
	}
	return en.functions[name]
}

// checkFunction asks whether enforcers can act at a security function.
func (en *enforcement) checkFunction(name string) error {
	hook, ok := syscalls.SecurityHookOf(name)
	if !ok {
		return errors.New("no security function")
	}
	if _, err := en.engine.offer.Function(name); err != nil {
		return err
	}
	_, err := en.engine.guardAttachments(hook)
	return err
}

// stand puts a program at a function.
func (en *enforcement) stand(p enforcedPlace) error {
	if en.at[p] != nil {
		return nil
	}
	ways := []Attachment{AttachFmodRet}
	hook, isSecurity := syscalls.SecurityHookOf(p.function)
	if isSecurity && !p.wrapper {
		var err error
		if ways, err = en.engine.guardAttachments(hook); err != nil {
			return err
		}
	}
	var failed attachErrors
	for _, a := range ways {
		program, function := "vd_enforce_fmod_ret", p.function
		if a == AttachLSM {
			program, function = "vd_enforce_lsm", string(hook)
		}
		g, err := en.load(program, a, function, p)
		if err != nil {
			failed.add(a, err)
			continue
		}
		if en.at == nil {
			en.at = map[enforcedPlace]*guard{}
		}
		en.at[p] = g
		return nil
	}
	return &failed
}

// verdictsOfEnforcers is what their verdicts have as the number of the hook:
// no hook has it.
const verdictsOfEnforcers = maxHooks

// load loads one of the enforcers' programs and attaches it.
func (en *enforcement) load(program string, a Attachment, function string, p enforcedPlace) (*guard, error) {
	e := en.engine
	spec, err := bpf.LoadEnforcer()
	if err != nil {
		return nil, err
	}
	keepPrograms(spec, []string{program})
	attachTo(spec.Programs[program], a, function)
	cfg := bpf.EnforcerConfig{
		Key: p.key, Number: e.abi.Number, CompatStatus: e.abi.CompatStatus, Verdicts: verdictsOfEnforcers,
		Exits: [2]uint32{callNumber(e.abi.Name, "exit"), callNumber(e.abi.Name, "exit_group")},
	}
	if p.wrapper {
		cfg.Wrapper = 1
	}
	if err := spec.Variables["vd_enforcer"].Set(cfg); err != nil {
		return nil, err
	}
	if en.enforced == nil {
		if en.enforced, err = ebpf.NewMap(spec.Maps["vd_enforced"]); err != nil {
			return nil, fmt.Errorf("map vd_enforced: %w", err)
		}
	}
	replacements := e.base.replacements(spec)
	for name, m := range map[string]*ebpf.Map{"vd_enforced": en.enforced, "vd_notices": e.shared["vd_notices"]} {
		if s := spec.Maps[name]; s != nil {
			s.MaxEntries, s.Flags = m.MaxEntries(), m.Flags()
			replacements[name] = m
		}
	}
	coll, err := e.newCollection(spec, replacements)
	if err != nil {
		return nil, err
	}
	l, err := e.attachEntry(place{attachment: a}, coll.Programs[program])
	if err != nil {
		coll.Close()
		return nil, err
	}
	return &guard{coll: coll, link: l}, nil
}

// write sets a row of vd_enforced; 0 takes it away.
func (en *enforcement) write(key uint32, mask uint64) error {
	if en.written[key] == mask {
		return nil
	}
	var err error
	if mask == 0 {
		err = ignoreMissing(en.enforced.Delete(key))
		delete(en.written, key)
	} else {
		err = en.enforced.Put(key, mask)
		if en.written == nil {
			en.written = map[uint32]uint64{}
		}
		en.written[key] = mask
	}
	if err != nil {
		return fmt.Errorf("calls of enforcers: %w", err)
	}
	return nil
}

// settle leaves what enforcers need and takes everything else away. They are
// those in force from now on.
func (en *enforcement) settle(enforcers []compile.Enforcer) error {
	en.inForce = enforcers
	ways, err := en.waysOf(enforcers)
	errs := []error{err}
	for _, key := range slices.Collect(maps.Keys(en.written)) {
		errs = append(errs, en.write(key, ways.masks[key]))
	}
	for p, g := range en.at {
		if !ways.at[p] {
			errs = append(errs, g.close())
			delete(en.at, p)
		}
	}
	en.guards = ways.guards
	if len(enforcers) == 0 {
		errs = append(errs, en.end())
	}
	return errors.Join(errs...)
}

// end takes away what stands at all system calls, and all that was noted: it
// would never be forgotten.
func (en *enforcement) end() error {
	if en.exit == nil && en.enter == nil {
		return nil
	}
	errs := []error{en.enter.close(), en.exit.close()}
	en.enter, en.exit = nil, nil
	errs = append(errs, en.engine.forgetNotices(func(*bpf.Notice) bool { return true }))
	if en.enforced != nil {
		errs = append(errs, en.enforced.Close())
		en.enforced, en.written = nil, nil
	}
	return errors.Join(errs...)
}

func (en *enforcement) close() error { return en.settle(nil) }

// releaseNotices forgets what is noted for a policy that is gone. What other
// policies have noted for the same call goes with it.
func (e *Engine) releaseNotices(bit int) error {
	return e.forgetNotices(func(n *bpf.Notice) bool { return n.Open>>bit&1 != 0 })
}

func (e *Engine) forgetNotices(which func(*bpf.Notice) bool) error {
	m := e.shared["vd_notices"]
	var threads []uint32
	var tid uint32
	var n bpf.Notice
	it := m.Iterate()
	for it.Next(&tid, &n) {
		if which(&n) {
			threads = append(threads, tid)
		}
	}
	errs := []error{it.Err()}
	for _, tid := range threads {
		errs = append(errs, ignoreMissing(m.Delete(tid)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("notices for enforcers: %w", err)
	}
	return nil
}
