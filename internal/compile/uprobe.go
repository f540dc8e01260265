// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/policy"
)

// usdtArgs is how many arguments a static probe can have.
const usdtArgs = 12

// uprobe understands one entry of spec.uprobes: one hook for each place.
func (f *frontend) uprobe(u *policy.Uprobe, index int) []*entry {
	path := policy.ItemPath("spec.uprobes", index)
	sites := f.sites(u, path)
	e := &entry{path: path, noMulti: f.policy.IsSet(policy.OptionDisableUprobeMulti), group: Group{
		Section: "uprobes", Entry: index, Message: u.Message, Tags: u.Tags, FollowBit: f.follow, TrackBit: f.track, NoticeBit: f.enforce,
	}}
	hook := hookContext{kind: HookUprobe, args: functionArgs, btfPath: u.BTFPath}
	if u.Return {
		f.returnArg(e, &hook, u.ReturnArg, path)
	}
	hook.returns = e.group.HasReturn
	f.args(e, &hook, u.Args, path)
	f.data(e, &hook, u.Data, path)
	f.selectors(e, &hook, u.Selectors, path)
	if !f.verify(e, u, sites, path) {
		return nil
	}
	var entries []*entry
	seen := map[HookKey]bool{}
	for _, s := range sites {
		one := *e
		one.setSite(HookUprobe, s)
		if !seen[one.key] {
			entries = append(entries, &one)
		}
		seen[one.key] = true
	}
	return entries
}

// setSite says where an entry's hook is.
func (e *entry) setSite(kind HookKind, s Site) {
	e.key = HookKey{kind, s.String()}
	e.group.Site, e.group.FunctionName = s, e.key.Name
}

// sites are the places of a uprobe. The parser has seen to it that only one
// of the lists has any, and that there are as many refCtrOffsets, or none.
func (f *frontend) sites(u *policy.Uprobe, path string) []Site {
	binary := f.binaryPath(u.Path, path)
	var out []Site
	for i, symbol := range u.Symbols {
		if s, ok := f.symbolSite(symbol, u.Return, policy.ItemPath(path+".symbols", i)); ok {
			out = append(out, s)
		}
	}
	for _, offset := range u.Offsets {
		out = append(out, Site{By: SiteOffset, Offset: offset})
	}
	for _, addr := range u.Addrs {
		out = append(out, Site{By: SiteAddress, Address: addr})
	}
	for i := range out {
		out[i].Path = binary
		if i < len(u.RefCtrOffsets) {
			out[i].RefCtrOffset = u.RefCtrOffsets[i]
		}
	}
	return out
}

// binaryPath is a path in the form in which it identifies a file.
func (f *frontend) binaryPath(binary, path string) string {
	if binary == "" || strings.Contains(binary, "\x00") {
		f.errorf(path+".path", "%s is not the path of a program", quote(binary))
		return ""
	}
	return filepath.Clean(binary)
}

// symbolSite understands a symbol, or symbol+offset.
func (f *frontend) symbolSite(text string, returns bool, path string) (Site, bool) {
	symbol, behind, found := strings.Cut(text, "+")
	s := Site{By: SiteSymbol, Symbol: symbol}
	if !found {
		return s, true
	}
	var err error
	if s.Offset, err = strconv.ParseUint(behind, 0, 64); err != nil {
		f.errorf(path, "%s is not an offset behind %s", quote(behind), quote(symbol))
		return s, false
	}
	if returns && s.Offset != 0 {
		f.errorf(path, "the return of a function can only be told from its beginning, not from %s", quote(text))
		return s, false
	}
	return s, true
}

// usdt understands one entry of spec.usdts.
func (f *frontend) usdt(u *policy.Usdt, index int) *entry {
	path := policy.ItemPath("spec.usdts", index)
	e := &entry{path: path, noMulti: f.policy.IsSet(policy.OptionDisableUprobeMulti), group: Group{
		Section: "usdts", Entry: index, Message: u.Message, Tags: u.Tags, FollowBit: f.follow, TrackBit: f.track, NoticeBit: f.enforce,
	}}
	if u.Provider == "" || u.Name == "" {
		f.errorf(path, "a static probe has a provider and a name")
	}
	e.setSite(HookUSDT, Site{By: SiteUSDT, Path: f.binaryPath(u.Path, path), Provider: u.Provider, Name: u.Name})
	hook := hookContext{kind: HookUSDT, args: usdtArgs, btfPath: u.BTFPath}
	f.args(e, &hook, u.Args, path)
	f.selectors(e, &hook, u.Selectors, path)
	return e
}

// String identifies the place, in the words of the policy.
func (s Site) String() string {
	text := s.Path + ":"
	switch s.By {
	case SiteSymbol:
		text += s.Symbol
		if s.Offset != 0 {
			text += fmt.Sprintf("+%#x", s.Offset)
		}
	case SiteOffset:
		text += fmt.Sprintf("offset %#x", s.Offset)
	case SiteAddress:
		text += fmt.Sprintf("address %#x", s.Address)
	case SiteUSDT:
		text += s.Provider + ":" + s.Name
	}
	if s.RefCtrOffset != 0 {
		text += fmt.Sprintf(" (reference counter at %#x)", s.RefCtrOffset)
	}
	return text
}

// Site returns the place of a hook in a program; ok is false for hooks of
// the kernel.
func (h *Hook) Site() (site Site, ok bool) {
	if len(h.Groups) == 0 || h.Key.Kind != HookUprobe && h.Key.Kind != HookUSDT {
		return Site{}, false
	}
	return h.Groups[0].Site, true
}
