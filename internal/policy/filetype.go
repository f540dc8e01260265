// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
)

// fileTypes maps the names of FileType values to the S_IFMT bits of a mode
// (include/uapi/linux/stat.h).
var fileTypes = map[string]uint32{
	"sock": 0o140000, "socket": 0o140000, "lnk": 0o120000, "link": 0o120000,
	"reg": 0o100000, "regular": 0o100000, "blk": 0o060000, "block": 0o060000,
	"dir": 0o040000, "chr": 0o020000, "char": 0o020000, "fifo": 0o010000, "pipe": 0o010000,
}

// ParseFileType returns the S_IFMT bits of a value of the FileType
// operators.
func ParseFileType(value string) (uint32, error) {
	if mode, ok := fileTypes[value]; ok {
		return mode, nil
	}
	return 0, valueError{"unknown file type " + quote(value), oneOf(value, slices.Sorted(maps.Keys(fileTypes)))}
}
