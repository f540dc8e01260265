// SPDX-License-Identifier: Apache-2.0

package lru

import "container/list"

// Cache keeps the values that were used last. It is not safe for concurrent
// use.
type Cache[K comparable, V any] struct {
	most   int
	order  *list.List // of *entry[K, V], the last used first
	values map[K]*list.Element
	// Dropped, if not nil, is called with a value that goes.
	Dropped func(K, V)
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// New returns a cache of most values.
func New[K comparable, V any](most int) *Cache[K, V] {
	return &Cache[K, V]{most: most, order: list.New(), values: map[K]*list.Element{}}
}

// Get returns the value of a key, and whether there is one. It counts as used.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	e, ok := c.values[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

// Put gives a key a value. It counts as used; beyond the size of the cache
// another one goes.
func (c *Cache[K, V]) Put(key K, value V) {
	if e, ok := c.values[key]; ok {
		c.order.MoveToFront(e)
		e.Value.(*entry[K, V]).value = value
		return
	}
	c.values[key] = c.order.PushFront(&entry[K, V]{key, value})
	if len(c.values) > c.most {
		c.Drop()
	}
}

// Drop lets the value go that was not used for the longest time.
func (c *Cache[K, V]) Drop() {
	last := c.order.Back()
	if last == nil {
		return
	}
	e := c.order.Remove(last).(*entry[K, V])
	delete(c.values, e.key)
	if c.Dropped != nil {
		c.Dropped(e.key, e.value)
	}
}

// Remove takes a key out and returns its value, and whether there was one. Dropped is not called.
func (c *Cache[K, V]) Remove(key K) (V, bool) {
	e, ok := c.values[key]
	if !ok {
		var none V
		return none, false
	}
	delete(c.values, key)
	return c.order.Remove(e).(*entry[K, V]).value, true
}

// Len returns how many values there are.
func (c *Cache[K, V]) Len() int { return len(c.values) }
