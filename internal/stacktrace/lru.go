// SPDX-License-Identifier: Apache-2.0

package stacktrace

import "container/list"

// lru keeps the values that were used last.
type lru[K comparable, V any] struct {
	most   int
	order  *list.List // of *lruEntry[K, V], the last used first
	values map[K]*list.Element
	// dropped, if not nil, is called with a value that goes.
	dropped func(K, V)
}

type lruEntry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](most int) *lru[K, V] {
	return &lru[K, V]{most: most, order: list.New(), values: map[K]*list.Element{}}
}

func (l *lru[K, V]) get(key K) (V, bool) {
	e, ok := l.values[key]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*lruEntry[K, V]).value, true
}

func (l *lru[K, V]) put(key K, value V) {
	if e, ok := l.values[key]; ok {
		l.order.MoveToFront(e)
		e.Value.(*lruEntry[K, V]).value = value
		return
	}
	l.values[key] = l.order.PushFront(&lruEntry[K, V]{key, value})
	if len(l.values) > l.most {
		l.drop()
	}
}

// drop lets the value go that was not used for the longest time.
func (l *lru[K, V]) drop() {
	last := l.order.Back()
	if last == nil {
		return
	}
	e := l.order.Remove(last).(*lruEntry[K, V])
	delete(l.values, e.key)
	if l.dropped != nil {
		l.dropped(e.key, e.value)
	}
}
