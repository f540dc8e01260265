// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// firstRealTime is the first real-time signal that the C library leaves to programs.
const firstRealTime = 34

// signalNames has the names of the signals, "" for 0.
var signalNames = makeSignalNames()

func makeSignalNames() [128]string {
	var names [128]string
	for i := 1; i < len(names); i++ {
		switch name := unix.SignalName(unix.Signal(i)); {
		case name != "":
			names[i] = name
		case i >= firstRealTime && i <= 64:
			names[i] = fmt.Sprintf("SIGRTMIN+%d", i-firstRealTime)
		default:
			names[i] = fmt.Sprintf("SIG%d", i)
		}
	}
	names[firstRealTime] = "SIGRTMIN"
	return names
}
