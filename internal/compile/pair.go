// SPDX-License-Identifier: Apache-2.0

package compile

import "strings"

// eachByte has each byte 1.
const eachByte = 0x01010101

// lowerBit is what makes a small letter of an ASCII letter; of other bytes it
// makes some other ones.
const lowerBit = 'a' - 'A'

// common are the bytes that paths and command lines are full of, the most
// frequent first.
const common = "e/sirtanolcdu-.bmpkgfhvy_0123 "

// rarePair returns the two bytes that follow each other in a value and are
// least to be expected in other texts, and what is to be ORed to texts before
// they are looked for; zeroes where the value is too short.
func rarePair(value string, fold bool) (pair [3]byte) {
	least := 0
	for i := range len(value) - 1 {
		expected := commonness(value[i]) * commonness(value[i+1])
		if i > 0 && expected >= least {
			continue
		}
		least, pair = expected, [3]byte{value[i], value[i+1], 0}
	}
	if fold && len(value) > 1 {
		pair = [3]byte{pair[0] | lowerBit, pair[1] | lowerBit, lowerBit}
	}
	return pair
}

// commonness is how much a byte is to be expected, 1 the least.
func commonness(c byte) int {
	if i := strings.IndexByte(common, c); i >= 0 {
		return len(common) + 1 - i
	}
	return 1
}
