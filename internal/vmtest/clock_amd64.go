// SPDX-License-Identifier: Apache-2.0

package vmtest

// readTSC returns the time stamp counter of this processor.
func readTSC() uint64
