// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/event"
)

// Severities of syslog (RFC 5424, table 2).
const (
	severityError   = 3
	severityWarning = 4
	severityNotice  = 5
	severityInfo    = 6
)

// defaultFacility is "log audit".
const defaultFacility = "audit"

// facilities are those of RFC 5424, table 1, by their usual names.
var facilities = map[string]int{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
	"authpriv": 10, "ftp": 11, "ntp": 12, "audit": 13, "alert": 14, "clock": 15,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

func parseFacility(name string) (int, error) {
	if name == "" {
		name = defaultFacility
	}
	number, ok := facilities[name]
	if !ok {
		return 0, fmt.Errorf("facility: %q is none of syslog, such as local0", name)
	}
	return number, nil
}

// syslog makes the headers of RFC 5424.
type syslog struct {
	facility int
	host     string
	pid      string
}

func newSyslog(facility int, host string) *syslog {
	return &syslog{facility: facility, host: syslogName(host, 255), pid: strconv.Itoa(os.Getpid())}
}

// syslogName returns a name of printable ASCII characters, "-" for none.
func syslogName(name string, longest int) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, name)
	if name == "" {
		return "-"
	}
	return name[:min(len(name), longest)]
}

// appendHeader appends all of the message but the event itself, which is to follow.
func (s *syslog) appendHeader(dst []byte, e *event.Event) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(8*s.facility+severity(e)), 10)
	dst = append(dst, ">1 "...)
	if e.Time == 0 {
		dst = append(dst, '-')
	} else {
		dst = time.Unix(0, e.Time).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	}
	dst = append(append(dst, ' '), s.host...)
	dst = append(append(dst, " vedette "...), s.pid...)
	dst = append(append(dst, ' '), syslogName(e.Kind.String(), 32)...)
	dst = append(dst, ' ')
	return append(appendStructuredData(dst, e), ' ')
}

// severity tells what was enforced, and losses, from the rest.
func severity(e *event.Event) int {
	switch e.Kind {
	case event.KindLost:
		return severityError
	case event.KindThrottle, event.KindRateLimit:
		return severityWarning
	case event.KindKprobe, event.KindTracepoint, event.KindUprobe, event.KindUsdt, event.KindLSM:
		if event.Enforced(e) {
			return severityWarning
		}
		return severityNotice
	}
	return severityInfo
}

// structuredID names the structured data. There is no number of Vedette's own: 32473 is the one that RFC 5612
// keeps for examples.
const structuredID = "vedette@32473"

func appendStructuredData(dst []byte, e *event.Event) []byte {
	start := len(dst)
	dst = append(append(dst, '['), structuredID...)
	bare := len(dst)
	if p := e.Process; p != nil {
		if p.Absent&event.AbsentPID == 0 {
			dst = appendParameter(dst, "pid", strconv.FormatUint(uint64(p.PID), 10))
		}
		dst = appendParameter(dst, "binary", p.Binary)
		if p.Pod != nil {
			dst = appendParameter(dst, "namespace", p.Pod.Namespace)
			dst = appendParameter(dst, "pod", p.Pod.Name)
		}
	}
	if e.Hook.PolicyName != "" {
		dst = appendParameter(dst, "policy", e.Hook.PolicyName)
		dst = appendParameter(dst, "action", strings.TrimPrefix(max(e.Hook.Action, tetragon.KprobeAction_KPROBE_ACTION_POST).String(), "KPROBE_ACTION_"))
	}
	if len(dst) == bare {
		return append(dst[:start], '-')
	}
	return append(dst, ']')
}

// maxParameter is the longest value of a parameter in bytes.
const maxParameter = 4096

// appendParameter appends a parameter unless it is empty. Control characters, which receivers may take for the
// end of the message, are replaced.
func appendParameter(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, ' '), name...), '=', '"')
	for i, r := range value {
		if i >= maxParameter {
			break
		}
		switch {
		case r == '"' || r == '\\' || r == ']':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			dst = append(dst, '?')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
