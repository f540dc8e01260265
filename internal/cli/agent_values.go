// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
)

// sizeValue is a flag for a size in bytes, which may be written with K, M or G.
type sizeValue uint64

func (v *sizeValue) Set(text string) error {
	digits, shift := text, 0
	for i, unit := range "KMG" {
		if rest, ok := strings.CutSuffix(strings.ToUpper(text), string(unit)); ok {
			digits, shift = rest, 10*(i+1)
		}
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return errors.New("must be a number of bytes, such as 65536, 64K, 4M or 1G")
	}
	if number > math.MaxUint32<<10>>shift {
		return errors.New("is too large")
	}
	*v = sizeValue(number << shift)
	return nil
}

func (v *sizeValue) String() string { return strconv.FormatUint(uint64(*v), 10) }

// Type returns the word that stands for the value in the help.
func (v *sizeValue) Type() string { return "bytes" }

// permValue is a flag for the permission bits of a file, an octal number.
type permValue fs.FileMode

func (v *permValue) Set(text string) error {
	bits, err := strconv.ParseUint(text, 8, 32)
	if err != nil || bits > uint64(fs.ModePerm) {
		return errors.New("must be an octal number from 0 to 777, such as 600")
	}
	*v = permValue(bits)
	return nil
}

func (v *permValue) String() string { return fmt.Sprintf("%o", uint32(*v)) }

// Type returns the word that stands for the value in the help.
func (v *permValue) Type() string { return "octal" }

// secondsValue is a flag for a time, a number of seconds or a duration with its unit.
type secondsValue time.Duration

func (v *secondsValue) Set(text string) error {
	duration, err := time.ParseDuration(text)
	if seconds, numberErr := strconv.ParseUint(text, 10, 32); numberErr == nil {
		duration, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || duration <= 0 {
		return errors.New("must be a number of seconds greater than 0, such as 10")
	}
	*v = secondsValue(duration)
	return nil
}

func (v *secondsValue) String() string {
	return strconv.FormatFloat(time.Duration(*v).Seconds(), 'f', -1, 64)
}

// Type returns the word that stands for the value in the help.
func (v *secondsValue) Type() string { return "seconds" }
