// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"encoding/hex"

	"github.com/vedette-io/vedette/internal/record"
)

// algorithms are the names and the lengths in bytes of hashes by the kernel's
// numbers (enum hash_algo of include/uapi/linux/hash_info.h).
var algorithms = []struct {
	name string
	size int
}{
	{"md4", 16}, {"md5", 16}, {"sha1", 20}, {"rmd160", 20}, {"sha256", 32}, {"sha384", 48}, {"sha512", 64},
	{"sha224", 28}, {"rmd128", 16}, {"rmd256", 32}, {"rmd320", 40}, {"wp256", 32}, {"wp384", 48}, {"wp512", 64},
	{"tgr128", 16}, {"tgr160", 20}, {"tgr192", 24}, {"sm3", 32}, {"streebog256", 32}, {"streebog512", 64},
}

// hashText is what events show of a hash: the algorithm, a colon and the
// digits. It is empty where the kernel had none.
func hashText(v *record.Value) string {
	if v.Status&record.StatusFailed != 0 || v.Num >= uint64(len(algorithms)) {
		return ""
	}
	a := algorithms[v.Num]
	if len(v.Content) < a.size {
		return ""
	}
	return a.name + ":" + hex.EncodeToString(v.Content[:a.size])
}
