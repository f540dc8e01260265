// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	// functionName is a symbol of the kernel.
	functionName = regexp.MustCompile(`^[A-Za-z_.][A-Za-z0-9_.$]*$`)
	// eventName is a directory below tracefs's events; a slash in it would
	// lead elsewhere.
	eventName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*$`)
	// symbolOffset is a symbol of a binary with an offset.
	symbolOffset = regexp.MustCompile(`^[^+\s]+(\+(0x[0-9a-fA-F]+|[0-9]+))?$`)
)

// The values of returnArgAction.
var returnArgActions = []string{string(ActionTrackSock), string(ActionUntrackSock)}

func (v *validator) validateKprobe(path string, k *Kprobe) {
	v.validateCall(path, k)
	if k.ReturnArgAction == "" {
		return
	}
	if !isOneOf(k.ReturnArgAction, returnArgActions) {
		v.suggestf(path+".returnArgAction", oneOf(k.ReturnArgAction, returnArgActions), "unknown returnArgAction %s", quote(k.ReturnArgAction))
	} else if !k.Return {
		v.errorf(path+".returnArgAction", "returnArgAction needs return: true")
	} else if k.ReturnArg != nil && k.ReturnArg.Type != TypeSock && k.ReturnArg.Type != TypeSocket {
		v.errorf(path+".returnArgAction", "returnArgAction %s needs a returnArg of type sock or socket", k.ReturnArgAction)
	}
}

func (v *validator) validateCall(path string, k *Kprobe) {
	if k.Call == "" {
		return
	}
	if name, ok := ListReference(k.Call); ok {
		v.requireList(path+".call", name)
		return
	}
	if !functionName.MatchString(k.Call) {
		v.errorf(path+".call", "%s is not the name of a function", quote(k.Call))
		return
	}
	switch _, isSyscall := SyscallName(k.Call); {
	case k.Syscall && !isSyscall:
		v.warnf(path+".call", "add syscall: false", "%s is not the function of a system call, but syscall is true (its default)", quote(k.Call))
	case !k.Syscall && isSyscall && strings.HasPrefix(k.Call, "__"):
		v.warnf(path+".syscall", "remove syscall: false", "%s is the function of a system call; with syscall: false its arguments cannot be read", quote(k.Call))
	}
}

func (v *validator) validateTracepoints() {
	for i, t := range v.spec().Tracepoints {
		path := ItemPath("spec.tracepoints", i)
		if t.Subsystem != "" && !eventName.MatchString(t.Subsystem) {
			v.errorf(path+".subsystem", "%s is not the name of a subsystem", quote(t.Subsystem))
		}
		if t.Event != "" && !eventName.MatchString(t.Event) {
			v.errorf(path+".event", "%s is not the name of an event", quote(t.Event))
		}
	}
}

func (v *validator) validateLsmHooks() {
	for i, l := range v.spec().LsmHooks {
		path := ItemPath("spec.lsmhooks", i) + ".hook"
		if l.Hook == "" {
			continue
		}
		for _, prefix := range []string{"bpf_lsm_", "security_"} {
			if name, ok := strings.CutPrefix(l.Hook, prefix); ok {
				v.suggestf(path, "did you mean "+quote(name)+"?", "hook is named without %s", prefix)
				break
			}
		}
		if !functionName.MatchString(l.Hook) {
			v.errorf(path, "%s is not the name of a hook", quote(l.Hook))
		}
	}
}

func (v *validator) validateUsdts() {
	for i, u := range v.spec().Usdts {
		v.validateBinaryPath(ItemPath("spec.usdts", i)+".path", u.Path)
	}
}

func (v *validator) validateBinaryPath(path, binary string) {
	if binary != "" && !filepath.IsAbs(binary) {
		v.warnf(path, "write an absolute path", "%s is relative to the agent's working directory", quote(binary))
	}
}

func (v *validator) validateUprobes() {
	for i := range v.spec().Uprobes {
		path, u := ItemPath("spec.uprobes", i), &v.spec().Uprobes[i]
		v.validateBinaryPath(path+".path", u.Path)
		v.validateUprobePlaces(path, u)
		for j, digest := range u.BinaryDigests {
			v.validateDigest(ItemPath(path+".binaryDigests", j), digest)
		}
		for j, symbol := range u.Symbols {
			if !symbolOffset.MatchString(symbol) {
				v.errorf(ItemPath(path+".symbols", j), "%s is not a symbol or symbol+offset", quote(symbol))
			}
		}
	}
}

// validateUprobePlaces judges where in the binary a uprobe is.
func (v *validator) validateUprobePlaces(path string, u *Uprobe) {
	var given []string
	places := 0
	for _, f := range []struct {
		name string
		n    int
	}{{"symbols", len(u.Symbols)}, {"offsets", len(u.Offsets)}, {"addrs", len(u.Addrs)}} {
		if f.n > 0 {
			given, places = append(given, f.name), f.n
		}
	}
	switch {
	case len(given) > 1:
		v.errorf(FieldPath(path, given[1]), "only one of symbols, offsets and addrs can be given, not %s", strings.Join(given, " and "))
	case len(given) == 0 && !v.failed.touches(path):
		v.errorf(path, "one of symbols, offsets and addrs is needed")
	case len(u.RefCtrOffsets) > 0 && len(u.RefCtrOffsets) != places:
		v.errorf(path+".refCtrOffsets", "%d refCtrOffsets for %d places, there must be as many", len(u.RefCtrOffsets), places)
	}
}

// digestSizes are the algorithms of binaryDigests and their sizes in bytes; 0
// stands for any.
var digestSizes = map[string]int{"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64, "build-id": 0}

var digestAlgorithms = []string{"sha1", "sha256", "sha384", "sha512", "build-id"}

func (v *validator) validateDigest(path, digest string) {
	algorithm, digits, found := strings.Cut(digest, ":")
	size, known := digestSizes[algorithm]
	if !found || !known {
		v.suggestf(path, oneOf(algorithm, digestAlgorithms), "%s is not a digest, expected ALGORITHM:HEX", quote(digest))
		return
	}
	if sum, err := hex.DecodeString(digits); err != nil || len(sum) == 0 || size != 0 && len(sum) != size {
		v.errorf(path, "%s is not a %s digest in hexadecimal", quote(digits), algorithm)
	}
}
