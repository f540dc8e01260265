// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"slices"
)

// Clone returns a copy of e that stays valid when the buffers e points into are reused. It shares
// with e only what is never changed: strings, processes and labels.
func (e *Event) Clone() *Event {
	c := *e
	c.Ancestors = slices.Clone(e.Ancestors)
	c.Loader.Path = bytes.Clone(e.Loader.Path)
	c.Loader.BuildID = bytes.Clone(e.Loader.BuildID)
	c.Hook.Tags = slices.Clone(e.Hook.Tags)
	c.Hook.Args = cloneArgs(e.Hook.Args)
	c.Hook.Data = cloneArgs(e.Hook.Data)
	c.Hook.KernelStack = slices.Clone(e.Hook.KernelStack)
	c.Hook.UserStack = slices.Clone(e.Hook.UserStack)
	if e.Hook.Return != nil {
		value := e.Hook.Return.clone()
		c.Hook.Return = &value
	}
	return &c
}

func cloneArgs(args []Arg) []Arg {
	return convert(args, (*Arg).clone)
}

func (a *Arg) clone() Arg {
	c := *a
	c.Bytes = bytes.Clone(a.Bytes)
	if a.Detail != nil {
		c.Detail = a.Detail.clone()
	}
	return c
}
