// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// Destination is where an export goes. Its text is a URL, see [ParseDestination].
type Destination struct {
	// Syslog wraps every event in a message of RFC 5424.
	Syslog  bool
	network string // file, stdout, tcp, udp, unix
	address string // a path, host:port, or nothing
}

// ParseDestination parses file:///path, stdout:, tcp://host:port (JSON lines), and for syslog
// syslog+tcp://host:port (with octet counting), syslog+udp://host:port and syslog+unix:///path (a socket of
// datagrams, or else a stream).
func ParseDestination(text string) (Destination, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Destination{}, fmt.Errorf("destination %q: a URL such as file:///var/log/events.log, stdout: or tcp://host:5170 is expected", text)
	}
	d := Destination{network: u.Scheme}
	if rest, ok := strings.CutPrefix(u.Scheme, "syslog+"); ok {
		d.Syslog, d.network = true, rest
	}
	switch u.Scheme {
	case "stdout":
		if u.Host != "" || u.Path != "" {
			return Destination{}, fmt.Errorf("destination %q: stdout: has nothing behind it", text)
		}
	case "file", "syslog+unix":
		if u.Host != "" || !filepath.IsAbs(u.Path) || strings.HasSuffix(u.Path, "/") {
			return Destination{}, fmt.Errorf("destination %q: an absolute path is expected, as in %s:///path", text, u.Scheme)
		}
		d.address = u.Path
	case "tcp", "syslog+tcp", "syslog+udp":
		if host, port, err := net.SplitHostPort(u.Host); err != nil || host == "" || port == "" || u.Path != "" {
			return Destination{}, fmt.Errorf("destination %q: %s://host:port is expected", text, u.Scheme)
		}
		d.address = u.Host
	default:
		return Destination{}, fmt.Errorf("destination %q: there are file, stdout, tcp, syslog+tcp, syslog+udp and syslog+unix, not %q", text, u.Scheme)
	}
	return d, nil
}

// String returns the URL.
func (d Destination) String() string {
	scheme := d.network
	if d.Syslog {
		scheme = "syslog+" + scheme
	}
	if d.network == "stdout" {
		return scheme + ":"
	}
	return scheme + "://" + d.address
}

// file returns the path of a destination that a file descriptor is written for, empty for others.
func (d Destination) file() string {
	switch d.network {
	case "file":
		return d.address
	case "stdout":
		return "-"
	}
	return ""
}
