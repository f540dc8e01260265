// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"sync"
)

// Offer is what the running kernel offers. Nothing is asked before somebody
// wants to know, and everything once only. It is safe for concurrent use.
type Offer struct {
	order   []Feature
	answers map[Feature]*answer
	types   types
	symbols symbols
	// attach remembers what was asked about single functions.
	attach attachMemory
	// preempts is whether tasks are preempted in programs.
	preempts struct {
		once   sync.Once
		answer bool
	}
}

// answer is what the kernel answered about a feature.
type answer struct {
	fact
	once sync.Once
	err  error
}

// Answer is what the kernel answered about a feature.
type Answer struct {
	Feature Feature
	// Since is the first version of Linux that has the feature.
	Since string
	// Err is nil where it is offered, and otherwise mostly a [MissingError].
	Err error
}

// Offered returns what the running kernel offers, the same for the whole
// process. It is fast: see [Offer].
var Offered = sync.OnceValue(newOffer)

func newOffer() *Offer {
	o := &Offer{answers: map[Feature]*answer{}}
	for _, f := range facts() {
		o.order = append(o.order, f.feature)
		o.answers[f.feature] = &answer{fact: f}
	}
	return o
}

// Check returns nil if the kernel offers the feature: not by its version or
// build options, but because it was tried. Otherwise the error is a
// [MissingError] with what the kernel answered, or tells that this process
// has no right to ask. The first call for a feature takes 1–100 ms.
func (o *Offer) Check(f Feature) error {
	a, ok := o.answers[f]
	if !ok {
		return fmt.Errorf("feature %q is not one that kernels are asked for", f)
	}
	a.once.Do(func() { a.err = o.ask(a.fact) })
	return a.err
}

// ask tries a feature.
func (o *Offer) ask(f fact) error {
	if err := Privileged(); err != nil {
		return err
	}
	if err := f.try(o); err != nil {
		return f.missing(err)
	}
	return nil
}

// missing returns the error of a feature that the kernel refused. A kernel
// that forbids it was built with the option.
func (f fact) missing(cause error) error {
	if errors.Is(cause, refusedUnseen{}) {
		f.option = ""
	}
	return &MissingError{Feature: string(f.feature), Since: f.since, Option: f.option, Cause: cause}
}

// All asks for every feature and returns the answers in a fixed order.
func (o *Offer) All() []Answer {
	all := make([]Answer, 0, len(o.order))
	for _, f := range o.order {
		all = append(all, o.answer(f, o.Check(f)))
	}
	return all
}

func (o *Offer) answer(f Feature, err error) Answer {
	return Answer{Feature: f, Since: o.answers[f].since, Err: err}
}
