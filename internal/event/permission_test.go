// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

func TestPermission(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode uint16
		want string
	}{
		{0o100755, "-rwxr-xr-x"},
		{0o100644, "-rw-r--r--"},
		{0o100000, "----------"},
		{0o040755, "drwxr-xr-x"},
		{0o041777, "drwxrwxrwt"},
		{0o041776, "drwxrwxrwT"},
		{0o104755, "-rwsr-xr-x"},
		{0o104655, "-rwSr-xr-x"},
		{0o102755, "-rwxr-sr-x"},
		{0o102745, "-rwxr-Sr-x"},
		{0o120777, "lrwxrwxrwx"},
		{0o140700, "srwx------"},
		{0o010600, "prw-------"},
		{0o020620, "crw--w----"},
		{0o060660, "brw-rw----"},
	} {
		if got := string(appendPermission(nil, test.mode)); got != test.want {
			t.Errorf("%#o: got %s, want %s", test.mode, got, test.want)
		}
	}
}
