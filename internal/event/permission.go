// SPDX-License-Identifier: Apache-2.0

package event

// File type and special bits of an inode mode (linux/stat.h).
const (
	modeTypeMask = 0o170000
	modeSetUID   = 0o4000
	modeSetGID   = 0o2000
	modeSticky   = 0o1000
)

// appendPermission appends mode as ls -l writes it.
func appendPermission(dst []byte, mode uint16) []byte {
	dst = append(dst, typeLetter(mode))
	dst = appendTriplet(dst, mode>>6, mode&modeSetUID != 0, 's')
	dst = appendTriplet(dst, mode>>3, mode&modeSetGID != 0, 's')
	return appendTriplet(dst, mode, mode&modeSticky != 0, 't')
}

func typeLetter(mode uint16) byte {
	switch mode & modeTypeMask {
	case 0o010000:
		return 'p'
	case 0o020000:
		return 'c'
	case 0o040000:
		return 'd'
	case 0o060000:
		return 'b'
	case 0o120000:
		return 'l'
	case 0o140000:
		return 's'
	default:
		return '-'
	}
}

// appendTriplet appends read, write and execute; a special bit takes the place of execute, in upper
// case when execute is not set.
func appendTriplet(dst []byte, mode uint16, special bool, letter byte) []byte {
	triplet := [3]byte{'-', '-', '-'}
	if mode&4 != 0 {
		triplet[0] = 'r'
	}
	if mode&2 != 0 {
		triplet[1] = 'w'
	}
	switch execute := mode&1 != 0; {
	case special && execute:
		triplet[2] = letter
	case special:
		triplet[2] = letter - 'a' + 'A'
	case execute:
		triplet[2] = 'x'
	}
	return append(dst, triplet[:]...)
}
