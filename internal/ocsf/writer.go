// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"strconv"

	"github.com/vedette-io/vedette/internal/event"
)

// writer appends JSON. Keys are given without quotes and need no escaping.
type writer struct{ out []byte }

// next appends a comma where something of the same object or list is before it.
func (w *writer) next() {
	if last := len(w.out) - 1; last >= 0 && w.out[last] != '{' && w.out[last] != '[' {
		w.out = append(w.out, ',')
	}
}

func (w *writer) key(name string) {
	w.next()
	w.out = append(append(append(w.out, '"'), name...), '"', ':')
}

// text appends a string, unless it is empty.
func (w *writer) text(name, value string) {
	if value != "" {
		w.key(name)
		w.out = event.AppendText(w.out, value)
	}
}

func (w *writer) number(name string, value int64) {
	w.key(name)
	w.out = strconv.AppendInt(w.out, value, 10)
}

// time appends a time, given in nanoseconds since the Unix epoch, in milliseconds; 0 is not known.
func (w *writer) time(name string, ns int64) {
	if ns != 0 {
		w.number(name, ns/1e6)
	}
}

func (w *writer) truth(name string, value bool) {
	w.key(name)
	w.out = strconv.AppendBool(w.out, value)
}

// object appends an object with what fill appends.
func (w *writer) object(name string, fill func()) {
	w.key(name)
	w.braces(fill)
}

func (w *writer) braces(fill func()) {
	w.out = append(w.out, '{')
	fill()
	w.out = append(w.out, '}')
}

// list appends a list with what fill appends.
func (w *writer) list(name string, fill func()) {
	w.key(name)
	w.out = append(w.out, '[')
	fill()
	w.out = append(w.out, ']')
}

// item appends a string to a list.
func (w *writer) item(value string) {
	w.next()
	w.out = event.AppendText(w.out, value)
}
