// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// positions remembers where the fields of one policy are in its text.
type positions struct {
	// nodes holds mappings, sequences and scalar fields by path.
	nodes map[string]Pos
	// items holds the elements of sequences of scalars by the path of the
	// sequence; a map entry for each would cost several times the memory.
	items map[string][]Pos
	// aliases maps the path of a selector's field that came from a macro to
	// the path of that field in the macro.
	aliases map[string]string
}

func newPositions() *positions {
	return &positions{nodes: make(map[string]Pos), items: make(map[string][]Pos), aliases: make(map[string]string)}
}

// PosOf returns where the field with the path is in the policy's text: the
// value of a scalar field, the first key or the brace of a mapping, the first
// element or the bracket of a sequence. A field that is not there (a default) has the position of what
// contains it. A path is written like spec.kprobes[0].args[1].type; keys of
// selectorsMacros and labels that are not plain names are quoted in brackets,
// as [FieldPath] does it.
func (p *Policy) PosOf(path string) Pos {
	if p.positions == nil {
		return Pos{}
	}
	return p.positions.of(path)
}

// Diagnose returns a diagnostic about the field with the path. The position
// is found as [Policy.PosOf] does.
func (p *Policy) Diagnose(path string, severity Severity, format string, args ...any) Diagnostic {
	return Diagnostic{Severity: severity, Pos: p.PosOf(path), Path: path, Message: fmt.Sprintf(format, args...)}
}

func (p *positions) of(path string) Pos {
	rest := ""
	for at := path; at != ""; {
		if target, ok := p.aliases[at]; ok {
			return p.of(target + rest)
		}
		if pos, ok := p.lookup(at); ok {
			return pos
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			break
		}
		at, rest = at[:cut], path[cut:]
	}
	return p.nodes[""]
}

// lookup returns the position of exactly the path.
func (p *positions) lookup(path string) (Pos, bool) {
	if pos, ok := p.nodes[path]; ok {
		return pos, true
	}
	open := strings.LastIndexByte(path, '[')
	if open < 0 || !strings.HasSuffix(path, "]") {
		return Pos{}, false
	}
	i, err := strconv.Atoi(path[open+1 : len(path)-1])
	if items := p.items[path[:open]]; err == nil && i >= 0 && i < len(items) {
		return items[i], true
	}
	return Pos{}, false
}

// FieldPath returns the path of a field or map key below a path.
func FieldPath(parent, name string) string {
	switch {
	case strings.ContainsAny(name, `.[]"`) || name == "":
		return parent + "[" + strconv.Quote(name) + "]"
	case parent == "":
		return name
	}
	return parent + "." + name
}

// ItemPath returns the path of an element of a sequence.
func ItemPath(parent string, i int) string {
	return parent + "[" + strconv.Itoa(i) + "]"
}
