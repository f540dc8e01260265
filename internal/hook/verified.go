// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/executable"
)

// checkVerified checks that the file which a target is in is the one of which
// the digests of policies were verified.
func (t *target) checkVerified(h *compile.Hook) error {
	for _, g := range h.Groups {
		if g.Verified != nil && g.Verified.Identity != t.identity {
			return t.errOther()
		}
	}
	return nil
}

func (t *target) errOther() error {
	return fmt.Errorf("%s: the file is not the one whose digest was verified: it has been replaced or written to", t.path)
}

// checkStamp checks it more closely, of a file that a hook is to be attached
// in: it stays open until then, so that it cannot become another one.
func checkStamp(f *executable.File, h *compile.Hook) error {
	now, err := f.Stamp()
	if err != nil {
		return err
	}
	for _, g := range h.Groups {
		if g.Verified != nil && *g.Verified != now {
			return fmt.Errorf("the file has been changed since its digest was verified")
		}
	}
	return nil
}
