// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// CommandLines returns an [Options.CommandLine] that reads the proc file system mounted at procfs. It
// returns at most as many bytes of an area as are gathered of new processes, 256 KiB, and nothing of
// a process that has ended meanwhile.
func CommandLines(procfs string) func(pid uint32) []byte {
	return func(pid uint32) []byte {
		file, err := os.Open(filepath.Join(procfs, strconv.FormatUint(uint64(pid), 10), "cmdline"))
		if err != nil {
			return nil
		}
		defer file.Close()
		area, err := io.ReadAll(io.LimitReader(file, maxArguments))
		if err != nil {
			return nil
		}
		return area
	}
}
