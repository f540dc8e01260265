// SPDX-License-Identifier: Apache-2.0

package compile

import "encoding/binary"

// vector is a set of rules.
type vector []uint64

func (v vector) set(bit uint16)   { v[bit/64] |= 1 << (bit % 64) }
func (v vector) clear(bit uint16) { v[bit/64] &^= 1 << (bit % 64) }

// and keeps the rules that are in other too.
func (v vector) and(other []uint64) {
	for i := range v {
		v[i] &= other[i]
	}
}

// or adds the rules that are in other.
func (v vector) or(other []uint64) {
	for i := range v {
		v[i] |= other[i]
	}
}

func (v vector) clone() vector { return append(vector(nil), v...) }

// pool holds every different vector of a hook once.
type pool struct {
	vectors [][]uint64
	index   map[string]uint32
	key     []byte
}

// newPool returns a pool whose vector 0 is all.
func newPool(all vector) *pool {
	p := &pool{index: make(map[string]uint32)}
	p.add(all)
	return p
}

// add returns the index of a vector with the content of v, which stays the
// caller's.
func (p *pool) add(v vector) uint32 {
	p.key = p.key[:0]
	for _, w := range v {
		p.key = binary.LittleEndian.AppendUint64(p.key, w)
	}
	if i, ok := p.index[string(p.key)]; ok {
		return i
	}
	i := uint32(len(p.vectors))
	p.index[string(p.key)] = i
	p.vectors = append(p.vectors, v.clone())
	return i
}
