// SPDX-License-Identifier: Apache-2.0

package event

import "net/netip"

// Sock is a struct sock of the kernel. Names are as in the kernel's headers ("AF_INET",
// "SOCK_STREAM", "IPPROTO_TCP", "TCP_ESTABLISHED"); ports are in host byte order.
type Sock struct {
	Family, Type, Protocol, State string
	Mark, Priority                uint32
	Source, Destination           netip.Addr
	SourcePort, DestinationPort   uint16
	Cookie                        uint64
}

// Skb is a struct sk_buff of the kernel, a packet. Ports are in host byte order.
type Skb struct {
	Family, Protocol            string
	Hash, Len, Priority, Mark   uint32
	Source, Destination         netip.Addr
	SourcePort, DestinationPort uint16
	// Proto is the number of Protocol.
	Proto uint32
	// SecPathLen and SecPathOlen are the lengths of the packet's IPsec path.
	SecPathLen, SecPathOlen uint32
}

// Sockaddr is a struct sockaddr of an internet family. Port is in host byte order.
type Sockaddr struct {
	Family string
	Addr   netip.Addr
	Port   uint16
}

// BPFProg is a BPF program, loaded or about to be.
type BPFProg struct {
	// Type is the name of the program's type, "BPF_PROG_TYPE_KPROBE".
	Type string
	// Insns is the number of instructions.
	Insns uint32
	Name  string
}

// BPFMap is a BPF map. Sizes are in bytes.
type BPFMap struct {
	// Type is the name of the map's type, "BPF_MAP_TYPE_HASH".
	Type                           string
	KeySize, ValueSize, MaxEntries uint32
	Name                           string
}

// PerfEvent is a perf event.
type PerfEvent struct {
	// Function is the function that a probe is on.
	Function string
	// Type is the name of the event's type, "PERF_TYPE_TRACEPOINT".
	Type        string
	Config      uint64
	ProbeOffset uint64
}

// Module is a kernel module.
type Module struct {
	Name string
	// SignatureOK is known only while the module is being loaded.
	SignatureOK Optional[bool]
	// Taints are the bits of the module's taint mask.
	Taints uint32
}

func (d *Sock) clone() Detail          { return cloneOf(d) }
func (d *Skb) clone() Detail           { return cloneOf(d) }
func (d *Sockaddr) clone() Detail      { return cloneOf(d) }
func (d *BPFProg) clone() Detail       { return cloneOf(d) }
func (d *BPFMap) clone() Detail        { return cloneOf(d) }
func (d *PerfEvent) clone() Detail     { return cloneOf(d) }
func (d *Module) clone() Detail        { return cloneOf(d) }
func (d *Capabilities) clone() Detail  { return cloneOf(d) }
func (d *UserNamespace) clone() Detail { return cloneOf(d) }

func (d *Credentials) clone() Detail {
	c := cloneOf(d)
	if c != nil {
		c.Caps, c.UserNS = cloneOf(c.Caps), cloneOf(c.UserNS)
	}
	return c
}

func cloneOf[T any](d *T) *T {
	if d == nil {
		return nil
	}
	c := *d
	return &c
}
