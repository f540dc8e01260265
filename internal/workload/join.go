// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"

	"github.com/vedette-io/vedette/internal/record"
)

// joinArguments returns arguments as events show them.
func joinArguments(arguments []string) string {
	if len(arguments) == 0 {
		return ""
	}
	area := "\x00" + strings.Join(arguments, "\x00") + "\x00"
	return string(record.AppendArguments(nil, []byte(area)))
}
