// SPDX-License-Identifier: Apache-2.0

package event

import (
	"strconv"

	"github.com/vedette-io/vedette/api/tetragon"
)

// enumNames maps the numbers of an enum to their names in quotes; unknown numbers map to "".
type enumNames []string

var (
	actionNames     = newEnumNames(tetragon.KprobeAction_name)
	capabilityNames = newEnumNames(tetragon.CapabilitiesType_name)
	privilegeNames  = newEnumNames(tetragon.ProcessPrivilegesChanged_name)
	throttleNames   = newEnumNames(tetragon.ThrottleType_name)
	bpfCmdNames     = newEnumNames(tetragon.BpfCmd_name)
	secureBitNames  = newBitNames(tetragon.SecureBitsType_name)
	taintBitNames   = newBitNames(tetragon.TaintedBitsType_name)
)

func newEnumNames(names map[int32]string) enumNames {
	var table enumNames
	for number, name := range names {
		for int(number) >= len(table) {
			table = append(table, "")
		}
		table[number] = `"` + name + `"`
	}
	return table
}

// newBitNames maps bit numbers to the names of an enum whose numbers are single bits. A bit without a
// name maps to its number.
func newBitNames(names map[int32]string) enumNames {
	table := make(enumNames, 32)
	for bit := range table {
		number := int32(1) << bit
		table[bit] = strconv.Itoa(int(number))
		if name, ok := names[number]; ok {
			table[bit] = `"` + name + `"`
		}
	}
	return table
}

// append appends the name of number, or the number itself when it has none, as protojson does.
func (n enumNames) append(dst []byte, number int64) []byte {
	if number >= 0 && number < int64(len(n)) && n[number] != "" {
		return append(dst, n[number]...)
	}
	return strconv.AppendInt(dst, number, 10)
}

// CapabilityName returns the interface's name of a capability number of linux/capability.h, which is
// "DAC_OVERRIDE" for 1 and the kernel's name for all others, or "" for an unknown one.
func CapabilityName(number int) string {
	if number < 0 || number >= len(capabilityNames) {
		return ""
	}
	name := capabilityNames[number]
	return name[1 : len(name)-1]
}

// orPost returns the action to encode for a: internally no action at all means that an event is posted.
func orPost(a Action) Action {
	if a == tetragon.KprobeAction_KPROBE_ACTION_UNKNOWN {
		return tetragon.KprobeAction_KPROBE_ACTION_POST
	}
	return a
}
