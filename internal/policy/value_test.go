// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		value string
		t     ArgType
		want  uint64
		err   error
	}{
		{"-1", TypeInt, math.MaxUint64, nil},
		{"-0x80", TypeInt8, 0xffffffffffffff80, nil},
		{"128", TypeInt8, 0, ErrOutOfRange},
		{"-129", TypeSint8, 0, ErrOutOfRange},
		{"0755", TypeInt32, 0o755, nil},
		{"0o755", TypeSint32, 0o755, nil},
		{"0b101", TypeUint8, 5, nil},
		{"255", TypeUint8, 255, nil},
		{"256", TypeUint8, 0, ErrOutOfRange},
		{"-1", TypeUint32, 0, ErrOutOfRange},
		{"+5", TypeUint16, 5, nil},
		{"0xffffffffffffffff", TypeSize, math.MaxUint64, nil},
		{"0x10000000000000000", TypeUlong, 0, ErrOutOfRange},
		{"0x8000000000000000", TypeLong, 0, ErrOutOfRange},
		{"4294967296", TypeSize, 1 << 32, nil},
		{"0x80000001", TypeSyscall64, 0x80000001, nil},
		{"", TypeInt, 0, ErrNotInteger},
		{" 1", TypeInt, 0, ErrNotInteger},
		{"--1", TypeUint8, 0, ErrNotInteger},
		{"1.0", TypeInt, 0, ErrNotInteger},
		{"08", TypeInt, 0, ErrNotInteger},
	} {
		got, err := ParseInt(c.value, c.t)
		if !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("ParseInt(%q, %s) = %#x, %v, want %#x, %v", c.value, c.t, got, err, c.want, c.err)
		}
	}
	if _, err := ParseInt("1", TypeFile); err == nil {
		t.Error("a file is parsed as an integer")
	}
}

func TestParseMask(t *testing.T) {
	for _, c := range []struct {
		value string
		t     ArgType
		want  uint64
		ok    bool
	}{
		{"0x80000000", TypeInt, 0x80000000, true},
		{"-1", TypeInt, 0xffffffff, true},
		{"0x1ffffffff", TypeInt, 0, false},
		{"-1", TypeUint32, 0, false},
		{"0x8000000000000000", TypeLong, 1 << 63, true},
		{"077", TypeUint16, 0o77, true},
	} {
		got, err := ParseMask(c.value, c.t)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("ParseMask(%q, %s) = %#x, %v", c.value, c.t, got, err)
		}
	}
}

func TestParseRange(t *testing.T) {
	for _, c := range []struct {
		value     string
		t         ArgType
		low, high int64
		ok        bool
	}{
		{"-5:5", TypeInt, -5, 5, true},
		{"0x10:0x10", TypeUint8, 16, 16, true},
		{"5:-5", TypeInt, 0, 0, false},
		{"1:2:3", TypeInt, 0, 0, false},
		{":5", TypeInt, 0, 0, false},
		{"5", TypeInt, 0, 0, false},
		{"0:256", TypeUint8, 0, 0, false},
	} {
		low, high, err := ParseRange(c.value, c.t)
		if (err == nil) != c.ok || c.ok && (int64(low) != c.low || int64(high) != c.high) {
			t.Errorf("ParseRange(%q, %s) = %d, %d, %v", c.value, c.t, int64(low), int64(high), err)
		}
	}
	if low, high, err := ParseIntOrRange("7", TypeInt); low != 7 || high != 7 || err != nil {
		t.Errorf("7 is %d to %d, %v", low, high, err)
	}
}

func TestParseAddress(t *testing.T) {
	for value, want := range map[string]string{
		"10.1.2.3": "10.1.2.3/32", "10.1.2.3/8": "10.0.0.0/8", "::1": "::1/128", "fe80::1/10": "fe80::/10",
		"fe80::1%eth0": "", "10.1.2": "", "10.0.0.0/": "", "": "",
	} {
		prefix, err := ParseAddress(value)
		if (err == nil) != (want != "") || err == nil && prefix.String() != want {
			t.Errorf("%q is %s, %v", value, prefix, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		what, value string
		parse       func(string) (uint16, error)
		want        uint16
	}{
		{"family", "AF_INET6", ParseFamily, 10}, {"family", "2", ParseFamily, 2}, {"family", "AF_XDP", ParseFamily, 44},
		{"protocol", "IPPROTO_SCTP", ParseProtocol, 132}, {"protocol", "0x11", ParseProtocol, 17},
		{"state", "TCP_LISTEN", ParseSocketState, 10},
	} {
		if got, err := c.parse(c.value); got != c.want || err != nil {
			t.Errorf("%s %s is %d, %v", c.what, c.value, got, err)
		}
	}
	if mode, err := ParseFileType("fifo"); mode != 0o010000 || err != nil {
		t.Errorf("fifo is %o, %v", mode, err)
	}
	if ns, err := NamespaceIndex("TimeForChildren"); ns != NamespaceTimeForChildren || err != nil {
		t.Errorf("TimeForChildren is %d, %v", ns, err)
	}
	if ns, err := NamespaceIndex("User"); ns != NamespaceUser || err != nil {
		t.Errorf("User is %d, %v", ns, err)
	}
	if inode, host, err := ParseNamespaceInode("4026531836"); inode != 4026531836 || host || err != nil {
		t.Errorf("inode is %d, %t, %v", inode, host, err)
	}
	if _, host, err := ParseNamespaceInode("host_ns"); !host || err != nil {
		t.Errorf("host_ns is %t, %v", host, err)
	}
}

func TestCapabilities(t *testing.T) {
	mask, err := CapabilityMask([]string{"CAP_CHOWN", "DAC_OVERRIDE", "CAP_DAC_OVERRIDE", "CAP_CHECKPOINT_RESTORE"})
	if want := uint64(1<<0 | 1<<1 | 1<<40); mask != want || err != nil {
		t.Errorf("mask is %#x, %v, want %#x", mask, err, want)
	}
	if i, err := CapabilityIndex("CAP_SYS_ADMIN"); i != 21 || err != nil {
		t.Errorf("CAP_SYS_ADMIN is %d, %v", i, err)
	}
	if set, err := ParseCapabilitySet("CAP_KILL, CAP_BPF"); set != 1<<5|1<<39 || err != nil {
		t.Errorf("set is %#x, %v", set, err)
	}
	if set, err := ParseCapabilitySet("0x1ff"); set != 0x1ff || err != nil {
		t.Errorf("set is %#x, %v", set, err)
	}
	if _, err := CapabilityMask([]string{"CAP_NONE"}); err == nil {
		t.Error("unknown capability is accepted")
	}
}

func TestParseRateLimit(t *testing.T) {
	for _, c := range []struct {
		limit, scope string
		want         RateLimit
		ok           bool
	}{
		{"", "", RateLimit{0, RateScopeThread}, true},
		{"5", "", RateLimit{5 * time.Second, RateScopeThread}, true},
		{"5s", "global", RateLimit{5 * time.Second, RateScopeGlobal}, true},
		{"2m", "process", RateLimit{2 * time.Minute, RateScopeProcess}, true},
		{"1h", "thread", RateLimit{time.Hour, RateScopeThread}, true},
		{"1d", "", RateLimit{}, false}, {"m", "", RateLimit{}, false}, {"-1", "", RateLimit{}, false},
		{"1.5m", "", RateLimit{}, false}, {"4294967295h", "", RateLimit{}, false}, {"5", "Thread", RateLimit{}, false},
	} {
		got, err := ParseRateLimit(c.limit, c.scope)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("ParseRateLimit(%q, %q) = %v, %v", c.limit, c.scope, got, err)
		}
	}
}

func TestArgTypes(t *testing.T) {
	for _, c := range []struct {
		t                                  ArgType
		width                              int
		integer, signed, str, path, buffer bool
	}{
		{TypeInt, 4, true, true, false, false, false},
		{TypeUint8, 1, true, false, false, false, false},
		{TypeSize, 8, true, false, false, false, false},
		{TypeLong, 8, true, true, false, false, false},
		{TypeString, 0, false, false, true, false, false},
		{TypeCharBuf, 0, false, false, true, false, true},
		{TypeFd, 0, false, false, true, true, false},
		{TypeSock, 0, false, false, false, false, false},
	} {
		if c.t.Width() != c.width || c.t.IsInteger() != c.integer || c.t.IsSigned() != c.signed || c.t.IsString() != c.str ||
			c.t.IsPath() != c.path || c.t.IsBuffer() != c.buffer {
			t.Errorf("properties of %s are wrong", c.t)
		}
	}
	for t2 := range integerTypes {
		if !isOneOf(t2, argTypes) {
			t.Errorf("%s is no type", t2)
		}
	}
}

func TestOperators(t *testing.T) {
	for _, op := range argOperators {
		if _, ok := operatorRules[op]; !ok {
			t.Errorf("operator %s has no rule", op)
		}
		if negated := strings.HasPrefix(string(op), "Not"); op.IsNegated() != negated {
			t.Errorf("IsNegated of %s is %t", op, !negated)
		}
		if op.Canonical() != op {
			t.Errorf("%s is not canonical", op)
		}
	}
	if err := CheckOperator(OpPrefix, TypeAuto); err != nil {
		t.Errorf("type auto is refused: %v", err)
	}
	if err := CheckValue(OpEqual, TypeUint8, "256"); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("256 as uint8: %v", err)
	}
}

func TestEnforcingActions(t *testing.T) {
	enforcing := map[ActionType]bool{ActionSigkill: true, ActionSignal: true, ActionOverride: true, ActionNotifyEnforcer: true, ActionSet: true}
	for _, a := range actionTypes {
		if IsEnforcing(a) != enforcing[a] {
			t.Errorf("IsEnforcing of %s is %t", a, IsEnforcing(a))
		}
		if IsFdFollowing(a) != strings.HasSuffix(string(a), "FD") {
			t.Errorf("IsFdFollowing of %s is %t", a, IsFdFollowing(a))
		}
	}
}

func TestSyscallName(t *testing.T) {
	for function, want := range map[string]string{
		"sys_read": "read", "__x64_sys_read": "read", "__arm64_sys_openat": "openat", "__ia32_sys_read": "read",
		"__ia32_compat_sys_read": "read", "__arm64_compat_sys_read": "read",
		"fd_install": "", "sys_": "", "__x64_read": "",
	} {
		if got, ok := SyscallName(function); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %t", function, got, ok)
		}
	}
}

func TestTargets(t *testing.T) {
	args := []Arg{{Index: 1}, {Index: 2}, {Index: 0}}
	for _, c := range []struct {
		filter ArgFilter
		want   int
		ok     bool
	}{
		{ArgFilter{Index: 0}, 2, true}, {ArgFilter{Index: 2}, 1, true}, {ArgFilter{Index: 3}, 0, false},
		{ArgFilter{Index: 2, Args: []uint32{0}}, 0, true}, {ArgFilter{Args: []uint32{3}}, 0, false},
	} {
		got, err := c.filter.Targets(args)
		if (err == nil) != c.ok || c.ok && got[0] != c.want {
			t.Errorf("targets of %+v are %v, %v", c.filter, got, err)
		}
	}
}
