// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"strconv"
	"strings"
)

// maxCPUs is how many CPUs Linux can have (NR_CPUS), and more.
const maxCPUs = 1 << 16

// parseCPUs understands a list of CPUs as the kernel writes it: 0-3,5.
func parseCPUs(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return nil, err
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil {
				return nil, err
			}
		}
		if first < 0 || last < first || last >= maxCPUs {
			return nil, fmt.Errorf("%q is not a list of CPUs", text)
		}
		for cpu := first; cpu <= last; cpu++ {
			out = append(out, cpu)
		}
	}
	return out, nil
}
