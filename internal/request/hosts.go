// SPDX-License-Identifier: Apache-2.0

package request

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// hosts are whom the agent may ask.
type hosts struct {
	names    map[string]bool
	suffixes []string // ".example.org"
	networks []netip.Prefix
}

// hostName is a domain name without the final dot, in lower case.
var hostName = regexp.MustCompile(`^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$`)

// parseHosts understands names, *.names, addresses and networks.
func parseHosts(texts []string) (*hosts, error) {
	h := &hosts{names: map[string]bool{}}
	for _, text := range texts {
		if err := h.add(text); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *hosts) add(text string) error {
	if addr, err := netip.ParseAddr(text); err == nil {
		h.networks = append(h.networks, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
		return nil
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		h.networks = append(h.networks, network.Masked())
		return nil
	}
	name, below := strings.CutPrefix(canonical(text), "*.")
	if !hostName.MatchString(name) || len(name) > maxName {
		return fmt.Errorf("%q is neither the name of a host, such as example.org or *.example.org, nor an address or a network such as 10.0.0.0/8", text)
	}
	if below {
		h.suffixes = append(h.suffixes, "."+name)
	} else {
		h.names[name] = true
	}
	return nil
}

// maxName is the length of the longest name, in bytes (RFC 1035, 2.3.4).
const maxName = 253

// canonical is a name without what does not distinguish it.
func canonical(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// allow reports whether a host, a name or an address, may be asked.
func (h *hosts) allow(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		for _, network := range h.networks {
			if addr.Zone() == "" && network.Contains(addr.Unmap()) {
				return true
			}
		}
		return false
	}
	name := canonical(host)
	if h.names[name] {
		return true
	}
	for _, suffix := range h.suffixes {
		if strings.HasSuffix(name, suffix) && len(name) > len(suffix) {
			return true
		}
	}
	return false
}
