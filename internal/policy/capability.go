// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// capabilityNames are the capabilities by number
// (include/uapi/linux/capability.h).
var capabilityNames = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// CapabilityIndex returns the number of a capability. DAC_OVERRIDE may be
// written without the CAP_ that all others need, since the reference
// implementation knows it only so.
func CapabilityIndex(name string) (int, error) {
	full := name
	if name == "DAC_OVERRIDE" {
		full = "CAP_DAC_OVERRIDE"
	}
	if i := slices.Index(capabilityNames, full); i >= 0 {
		return i, nil
	}
	suggestion := ""
	if prefixed := "CAP_" + strings.ToUpper(name); slices.Contains(capabilityNames, prefixed) {
		suggestion = "did you mean " + quote(prefixed) + "?"
	} else {
		suggestion = didYouMean(name, capabilityNames)
	}
	return 0, valueError{"unknown capability " + quote(name), suggestion}
}

// CapabilityMask returns the set of the named capabilities: bit N is the
// capability with number N.
func CapabilityMask(names []string) (uint64, error) {
	var mask uint64
	for _, name := range names {
		i, err := CapabilityIndex(name)
		if err != nil {
			return 0, err
		}
		mask |= 1 << i
	}
	return mask, nil
}

// ParseCapabilitySet parses a value that a capability set is compared with: a
// number in any base, or capability names separated by commas.
func ParseCapabilitySet(value string) (uint64, error) {
	if mask, err := strconv.ParseUint(value, 0, 64); err == nil {
		return mask, nil
	}
	names := strings.Split(value, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
		if full := "CAP_" + names[i]; slices.Contains(capabilityNames, full) {
			names[i] = full
		}
	}
	mask, err := CapabilityMask(names)
	if err != nil {
		return 0, fmt.Errorf("capability set: %w", err)
	}
	return mask, nil
}

// The types of matchCapabilities.
const (
	CapabilityTypeEffective   = "Effective"
	CapabilityTypeInheritable = "Inheritable"
	CapabilityTypePermitted   = "Permitted"
)

var capabilityTypes = []string{CapabilityTypeEffective, CapabilityTypeInheritable, CapabilityTypePermitted}
