// SPDX-License-Identifier: Apache-2.0

package policy

import "fmt"

// section is the section of a policy's spec that a hook is in. Raw
// tracepoints are a section of their own here, since their arguments differ.
type section int

const (
	sectionKprobe section = iota
	sectionFentry
	sectionTracepoint
	sectionRawTracepoint
	sectionUprobe
	sectionUsdt
	sectionLsm
)

// sectionNames name one hook of a section in messages.
var sectionNames = [...]string{"kprobe", "fentry", "tracepoint", "raw tracepoint", "uprobe", "usdt", "lsmhook"}

func (s section) String() string { return sectionNames[s] }

// isFunction reports whether the hook is a kernel function with a return
// value.
func (s section) isFunction() bool { return s == sectionKprobe || s == sectionFentry }

// isTracepoint reports whether the hook is a tracepoint of either kind.
func (s section) isTracepoint() bool { return s == sectionTracepoint || s == sectionRawTracepoint }

// hook is what the hooks of all sections have in common, so that they are
// validated by the same code.
type hook struct {
	section section
	path    string
	// name is the function, the tracepoint's event or the LSM hook.
	name      string
	syscall   bool
	args      []Arg
	data      []Arg
	returns   bool
	returnArg *Arg
	selectors *[]Selector
	message   *string
	tags      []string
	ignore    *Ignore
}

// hooks returns all hooks of the policy.
func (v *validator) hooks() []hook {
	s := v.spec()
	var all []hook
	for i := range s.Kprobes {
		all = append(all, kprobeHook(sectionKprobe, ItemPath("spec.kprobes", i), &s.Kprobes[i]))
	}
	for i := range s.Fentries {
		all = append(all, kprobeHook(sectionFentry, ItemPath("spec.fentries", i), &s.Fentries[i]))
	}
	for i := range s.Tracepoints {
		all = append(all, tracepointHook(ItemPath("spec.tracepoints", i), &s.Tracepoints[i]))
	}
	for i := range s.Uprobes {
		u := &s.Uprobes[i]
		all = append(all, hook{section: sectionUprobe, path: ItemPath("spec.uprobes", i), args: u.Args, data: u.Data,
			returns: u.Return, returnArg: u.ReturnArg, selectors: &u.Selectors, message: &u.Message, tags: u.Tags, ignore: u.Ignore})
	}
	for i := range s.Usdts {
		u := &s.Usdts[i]
		all = append(all, hook{section: sectionUsdt, path: ItemPath("spec.usdts", i), args: u.Args,
			selectors: &u.Selectors, message: &u.Message, tags: u.Tags})
	}
	for i := range s.LsmHooks {
		l := &s.LsmHooks[i]
		all = append(all, hook{section: sectionLsm, path: ItemPath("spec.lsmhooks", i), name: l.Hook, args: l.Args,
			selectors: &l.Selectors, message: &l.Message, tags: l.Tags})
	}
	return all
}

func kprobeHook(s section, path string, k *Kprobe) hook {
	return hook{section: s, path: path, name: k.Call, syscall: k.Syscall, args: k.Args, data: k.Data, returns: k.Return,
		returnArg: k.ReturnArg, selectors: &k.Selectors, message: &k.Message, tags: k.Tags, ignore: k.Ignore}
}

func tracepointHook(path string, t *Tracepoint) hook {
	s := sectionTracepoint
	if t.Raw {
		s = sectionRawTracepoint
	}
	return hook{section: s, path: path, name: t.Event, syscall: t.Subsystem == "syscalls", args: t.Args,
		selectors: &t.Selectors, message: &t.Message, tags: t.Tags}
}

// cutTexts cuts messages and tags to their limits, with a warning.
func (v *validator) cutTexts(h hook) {
	if n := len(*h.message); n > MaxMessageLength {
		v.warnf(h.path+".message", "", "message of %d bytes is cut to %d", n, MaxMessageLength)
		*h.message = cutText(*h.message, MaxMessageLength)
	}
	for i, tag := range h.tags {
		if len(tag) > MaxTagLength {
			v.warnf(ItemPath(h.path+".tags", i), "", "tag of %d bytes is cut to %d", len(tag), MaxTagLength)
			h.tags[i] = cutText(tag, MaxTagLength)
		}
	}
}

// cutText cuts a text to at most the length in bytes, between characters.
func cutText(text string, length int) string {
	end := 0
	for i, r := range text {
		if i+len(string(r)) > length {
			break
		}
		end = i + len(string(r))
	}
	return text[:end]
}

// validateHooks judges the hooks of all sections.
func (v *validator) validateHooks() {
	hooks := v.hooks()
	if len(hooks) == 0 && !v.spec().Loader && !v.failed.touches("spec") {
		v.warnf("spec", "", "policy has no hooks, it does nothing")
	}
	for _, h := range hooks {
		v.validateTexts(h)
		v.validateArgs(h)
		v.validateReturn(h)
		v.validateIgnore(h)
		v.validateHookSelectors(h)
	}
	for i := range v.spec().Kprobes {
		v.validateKprobe(ItemPath("spec.kprobes", i), &v.spec().Kprobes[i])
	}
	for i := range v.spec().Fentries {
		v.validateKprobe(ItemPath("spec.fentries", i), &v.spec().Fentries[i])
	}
	v.validateTracepoints()
	v.validateUprobes()
	v.validateUsdts()
	v.validateLsmHooks()
}

func (v *validator) validateTexts(h hook) {
	if n := len(*h.message); n > 0 && n < minTextLength {
		v.errorf(h.path+".message", "message is shorter than %d characters", minTextLength)
	}
	if len(h.tags) > MaxTags {
		v.errorf(ItemPath(h.path+".tags", MaxTags), "%d tags, the limit is %d", len(h.tags), MaxTags)
	}
	for i, tag := range h.tags {
		if len(tag) < minTextLength {
			v.errorf(ItemPath(h.path+".tags", i), "tag %s is shorter than %d characters", quote(tag), minTextLength)
		}
	}
}

func (v *validator) validateReturn(h hook) {
	if h.returns && h.returnArg == nil {
		v.suggestf(h.path+".return", "add returnArg with index 0 and the type of the return value", "return: true needs returnArg")
	}
	if h.returnArg == nil {
		return
	}
	if !h.returns {
		v.warnf(h.path+".returnArg", "add return: true", "returnArg has no effect without return: true")
	}
	v.validateArgType(h, h.path+".returnArg", *h.returnArg)
}

func (v *validator) validateIgnore(h hook) {
	if h.ignore != nil && h.ignore.DigestVerificationFailure && h.section != sectionUprobe {
		v.warnf(h.path+".ignore.digestVerificationFailure", "", "digestVerificationFailure has no effect on a %s", h.section)
	}
}

// describe names the hook for a message.
func (h hook) describe() string {
	if h.name == "" {
		return "this " + h.section.String()
	}
	return fmt.Sprintf("%s %s", h.section, quote(h.name))
}
