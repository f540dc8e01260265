// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"encoding/binary"

	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/compile"
)

const (
	// automataSlack is how many bytes behind the automata the verifier takes
	// for reachable: the classes of one that begins with the last word, and
	// its pair.
	automataSlack = 256 + 24
	// automataBegin is where the automata begin: the words before a second
	// row are so never before the value.
	automataBegin = 8
)

// minAutomata is how many words automata get where there are any: not each
// further value is to ask for another program.
const minAutomata = 1024

// automataWords is how many words each half of vd_automata gets.
func automataWords(n int) uint32 {
	if n == 0 {
		return minRows
	}
	return powerOfTwo(n, minAutomata)
}

// automataBytes is the size of one half of vd_automata.
func automataBytes(s shape) uint32 { return automataBegin + 4*s.automata + automataSlack }

// writeAutomata fills a half of vd_automata, where no run looks at it.
func (p *program) writeAutomata(at half, t *tables) error {
	if len(t.hook.Automata) == 0 {
		return nil
	}
	value := make([]byte, automataBytes(p.shape))
	words := value[automataBegin:]
	for i, word := range t.hook.Automata {
		binary.NativeEndian.PutUint32(words[4*i:], word)
	}
	for _, i := range t.hook.AutomataVectors {
		binary.NativeEndian.PutUint32(words[4*i:], p.vector(at, t.hook.Automata[i]))
	}
	return p.coll.Maps["vd_automata"].Put(uint32(at), value)
}

// substringTables say where the automaton of a dimension is.
func (p *program) substringTables(at half, d compile.Dim) bpf.DimTables {
	return bpf.DimTables{
		Base: d.Base, Len: p.vector(at, d.Len), State: d.State&^(1<<halfBit) | uint32(at)<<halfBit, None: p.vector(at, d.None),
	}
}
