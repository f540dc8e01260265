// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// BytesPerMB is the size of the "MB" of the export flags, 1,048,576 bytes.
const BytesPerMB = 1 << 20

// Params are the settings of the export file that can be changed while it is written.
type Params struct {
	// MaxSize is the size in bytes that the file does not exceed, unless a single line is longer.
	MaxSize int64
	// RotationInterval is the age at which a file that is not empty is rotated, 0 for never.
	RotationInterval time.Duration
	// MaxBackups is how many rotated files are kept, 0 for all.
	MaxBackups int
}

// DefaultParams are the settings that the agent's flags default to.
var DefaultParams = Params{MaxSize: 10 * BytesPerMB, MaxBackups: 5}

// Validate returns an error that names the setting that makes no sense.
func (p Params) Validate() error {
	switch {
	case p.MaxSize <= 0:
		return fmt.Errorf("maximum size of the export file: %d bytes: must be positive", p.MaxSize)
	case p.RotationInterval < 0:
		return fmt.Errorf("rotation interval of the export file: %v: must not be negative", p.RotationInterval)
	case p.MaxBackups < 0:
		return fmt.Errorf("number of backups of the export file: %d: must not be negative", p.MaxBackups)
	}
	return nil
}

// ParsePerm parses the mode of the export file as its flag has it: octal digits, "600".
func ParsePerm(text string) (fs.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > 0o777 || mode&0o200 == 0 {
		return 0, fmt.Errorf("mode of the export file: %q: octal digits are expected that let its owner write, such as 600", text)
	}
	return fs.FileMode(mode), nil
}
