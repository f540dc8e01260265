// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"net/netip"
	"strings"

	"github.com/vedette-io/vedette/internal/event"
)

// arguments are what the schema has attributes for, of the arguments of a hook: the first of each kind.
type arguments struct {
	source, destination netip.AddrPort
	protocol            string // "tcp"
	path                string // of a file
	mode                uint16 // of the file, 0 if it is not known
	text                string // that may be a path
	module              string
	credentials         bool
}

func (a *arguments) endpoints() bool { return a.source.IsValid() || a.destination.IsValid() }

func argumentsOf(e *event.Event) arguments {
	var a arguments
	for i := range e.Hook.Args {
		a.add(&e.Hook.Args[i])
	}
	return a
}

func (a *arguments) add(arg *event.Arg) {
	switch arg.Kind {
	case event.ArgPath, event.ArgFile, event.ArgLinuxBinprm:
		if a.path == "" {
			a.path, a.mode = string(arg.Bytes), arg.Mode
		}
	case event.ArgString:
		if a.text == "" {
			a.text = string(arg.Bytes)
		}
	case event.ArgProcessCreds, event.ArgCred:
		a.credentials = true
	}
	switch d := arg.Detail.(type) {
	case *event.Sock:
		if d != nil {
			a.connection(d.Source, d.SourcePort, d.Destination, d.DestinationPort, d.Protocol)
		}
	case *event.Skb:
		if d != nil {
			a.connection(d.Source, d.SourcePort, d.Destination, d.DestinationPort, d.Protocol)
		}
	case *event.Sockaddr:
		if d != nil {
			a.connection(netip.Addr{}, 0, d.Addr, d.Port, "")
		}
	case *event.Module:
		if d != nil && a.module == "" {
			a.module = d.Name
		}
	}
}

func (a *arguments) connection(source netip.Addr, sourcePort uint16, destination netip.Addr, destinationPort uint16, protocol string) {
	if !a.source.IsValid() && source.IsValid() {
		a.source = netip.AddrPortFrom(source.WithZone(""), sourcePort)
	}
	if !a.destination.IsValid() && destination.IsValid() {
		a.destination = netip.AddrPortFrom(destination.WithZone(""), destinationPort)
	}
	if a.protocol == "" {
		a.protocol = strings.ToLower(strings.TrimPrefix(protocol, "IPPROTO_"))
	}
}
