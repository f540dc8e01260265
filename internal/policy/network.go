// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ParseAddress parses a value of the address operators: an IPv4 or IPv6
// address, or a network in CIDR notation. A single address is a network of
// full length. Bits behind the length are cleared.
func ParseAddress(value string) (netip.Prefix, error) {
	if strings.Contains(value, "/") {
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%s is not a network in CIDR notation", quote(value))
		}
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(value)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%s is not an IP address", quote(value))
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// ParseFamily parses an address family: a number, or a name such as AF_INET
// (include/linux/socket.h).
func ParseFamily(value string) (uint16, error) {
	return parseNumberOrName(value, "address family", families)
}

// ParseProtocol parses an IP protocol: a number, or a name such as
// IPPROTO_TCP (include/uapi/linux/in.h).
func ParseProtocol(value string) (uint16, error) {
	return parseNumberOrName(value, "protocol", protocols)
}

// ParseSocketState parses a socket state: a number, or a name such as
// TCP_LISTEN (include/net/tcp_states.h).
func ParseSocketState(value string) (uint16, error) {
	return parseNumberOrName(value, "socket state", socketStates)
}

// parseNumberOrName parses a 16-bit number or one of the names.
func parseNumberOrName(value, what string, names map[string]uint16) (uint16, error) {
	if n, ok := names[value]; ok {
		return n, nil
	}
	if n, err := strconv.ParseUint(value, 0, 16); err == nil {
		return uint16(n), nil
	}
	known := slices.Sorted(maps.Keys(names))
	suggestion := didYouMean(value, known)
	for _, name := range known {
		if strings.HasSuffix(name, "_"+strings.ToUpper(value)) {
			suggestion = "did you mean " + quote(name) + "?"
		}
	}
	return 0, valueError{fmt.Sprintf("unknown %s %s", what, quote(value)), suggestion}
}

// valueError is an error with a suggestion what to write instead.
type valueError struct {
	message, suggestion string
}

func (e valueError) Error() string { return e.message }

var families = map[string]uint16{
	"AF_UNSPEC": 0, "AF_UNIX": 1, "AF_LOCAL": 1, "AF_INET": 2, "AF_AX25": 3, "AF_IPX": 4,
	"AF_APPLETALK": 5, "AF_NETROM": 6, "AF_BRIDGE": 7, "AF_ATMPVC": 8, "AF_X25": 9, "AF_INET6": 10,
	"AF_ROSE": 11, "AF_DECnet": 12, "AF_NETBEUI": 13, "AF_SECURITY": 14, "AF_KEY": 15, "AF_NETLINK": 16,
	"AF_ROUTE": 16, "AF_PACKET": 17, "AF_ASH": 18, "AF_ECONET": 19, "AF_ATMSVC": 20, "AF_RDS": 21,
	"AF_SNA": 22, "AF_IRDA": 23, "AF_PPPOX": 24, "AF_WANPIPE": 25, "AF_LLC": 26, "AF_IB": 27,
	"AF_MPLS": 28, "AF_CAN": 29, "AF_TIPC": 30, "AF_BLUETOOTH": 31, "AF_IUCV": 32, "AF_RXRPC": 33,
	"AF_ISDN": 34, "AF_PHONET": 35, "AF_IEEE802154": 36, "AF_CAIF": 37, "AF_ALG": 38, "AF_NFC": 39,
	"AF_VSOCK": 40, "AF_KCM": 41, "AF_QIPCRTR": 42, "AF_SMC": 43, "AF_XDP": 44, "AF_MCTP": 45,
}

var protocols = map[string]uint16{
	"IPPROTO_IP": 0, "IPPROTO_ICMP": 1, "IPPROTO_IGMP": 2, "IPPROTO_IPIP": 4, "IPPROTO_TCP": 6,
	"IPPROTO_EGP": 8, "IPPROTO_PUP": 12, "IPPROTO_UDP": 17, "IPPROTO_IDP": 22, "IPPROTO_TP": 29,
	"IPPROTO_DCCP": 33, "IPPROTO_IPV6": 41, "IPPROTO_RSVP": 46, "IPPROTO_GRE": 47, "IPPROTO_ESP": 50,
	"IPPROTO_AH": 51, "IPPROTO_ICMPV6": 58, "IPPROTO_MTP": 92, "IPPROTO_BEETPH": 94,
	"IPPROTO_ENCAP": 98, "IPPROTO_PIM": 103, "IPPROTO_COMP": 108, "IPPROTO_L2TP": 115,
	"IPPROTO_SCTP": 132, "IPPROTO_UDPLITE": 136, "IPPROTO_MPLS": 137, "IPPROTO_ETHERNET": 143,
	"IPPROTO_RAW": 255, "IPPROTO_SMC": 256, "IPPROTO_MPTCP": 262,
}

var socketStates = map[string]uint16{
	"TCP_ESTABLISHED": 1, "TCP_SYN_SENT": 2, "TCP_SYN_RECV": 3, "TCP_FIN_WAIT1": 4,
	"TCP_FIN_WAIT2": 5, "TCP_TIME_WAIT": 6, "TCP_CLOSE": 7, "TCP_CLOSE_WAIT": 8, "TCP_LAST_ACK": 9,
	"TCP_LISTEN": 10, "TCP_CLOSING": 11, "TCP_NEW_SYN_RECV": 12,
}
