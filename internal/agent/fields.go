// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"regexp"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/kernel"
)

// tracepointFields answers the compiler's questions about tracepoints from
// tracefs.
type tracepointFields struct{ tracefs *kernel.Tracefs }

// TracepointField implements [compile.Fields].
func (f tracepointFields) TracepointField(subsystem, event string, index uint32) (compile.FieldInfo, error) {
	format, err := f.tracefs.Format(subsystem, event)
	if err != nil {
		return compile.FieldInfo{}, err
	}
	if int(index) >= len(format.Fields) {
		return compile.FieldInfo{}, fmt.Errorf("tracepoint %s/%s has the fields 0 to %d", subsystem, event, len(format.Fields)-1)
	}
	field := format.Fields[index]
	return compile.FieldInfo{
		Name: field.Name, CType: field.CType, Size: int(field.Size), Signed: field.Signed, DataLoc: field.DataLoc,
	}, nil
}

// kernelFunctions answers the compiler's questions about functions.
type kernelFunctions struct{ offer *kernel.Offer }

// MatchingFunctions implements [compile.Functions].
func (f kernelFunctions) MatchingFunctions(pattern *regexp.Regexp) ([]string, error) {
	return f.offer.MatchingFunctions(pattern)
}

// HasFunction implements [compile.Functions].
func (f kernelFunctions) HasFunction(name string) (bool, error) { return f.offer.HasSymbol(name) }
