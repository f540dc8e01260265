// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/policy"
)

// verify checks the program of a uprobe. It reports whether the uprobe is to
// be there: one whose program is another one is left out if the policy says
// so.
func (f *frontend) verify(e *entry, u *policy.Uprobe, sites []Site, path string) bool {
	check := f.in.Policies[f.index].Verify
	if len(u.BinaryDigests) == 0 || check == nil || u.Path == "" {
		return true
	}
	stamp, err := check(f.binaryPath(u.Path, path), u.BinaryDigests)
	if err == nil {
		e.group.Verified = &stamp
		return true
	}
	other := (*executable.DigestError)(nil)
	if !errors.As(err, &other) || u.Ignore == nil || !u.Ignore.DigestVerificationFailure {
		f.errorf(path+".binaryDigests", "%v", err)
		return true
	}
	for _, s := range sites {
		f.skipped = append(f.skipped, Skipped{
			Policy: f.index, Section: "uprobes", Entry: e.group.Entry, Function: s.String(), Digest: true, Reason: err.Error(),
		})
	}
	return false
}
