// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"fmt"
	"slices"
	"time"
)

// countedKHz is the guest's clock when instructions are counted: one a nanosecond.
const countedKHz = 1_000_000

// clockLine is the part of the kernel's command line that tells it the frequency of its clock. A guest
// that has to find it out hangs when the machine is busy.
func clockLine(kHz uint64) string {
	if kHz == 0 {
		return ""
	}
	return fmt.Sprintf("tsc=reliable tsc_early_khz=%d", kHz)
}

// measureTSC measures how many times a millisecond the time stamp counter ticks. A guest sees this
// machine's counter.
func measureTSC() uint64 {
	const rounds, interval = 3, 15 * time.Millisecond
	var measured []uint64
	for range rounds {
		start, before := time.Now(), readTSC()
		time.Sleep(interval)
		ticks := readTSC() - before
		measured = append(measured, ticks*uint64(time.Millisecond)/uint64(time.Since(start)))
	}
	slices.Sort(measured)
	return measured[rounds/2]
}
