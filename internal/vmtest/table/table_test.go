// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	var columns []column
	for _, text := range []string{
		`{"kernel":"5.10.0-46-cloud-amd64","features":[{"name":"fentry","offered":true,"since":"5.5"},{"name":"LSM","offered":false,"since":"5.7","reason":"x"}]}`,
		`{"kernel":"7.3.4+deb13","features":[{"name":"fentry","offered":true,"since":"5.5"}]}`,
	} {
		c, err := readColumn([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	page, err := replace([]byte("before\n"+begin+"old\n"+end+"after\n"), render(columns))
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + begin + `
| feature | since Linux | 5.10 | 7.3 |
|---|---|---|---|
| fentry | 5.5 | yes | yes |
| LSM | 5.7 | no | ? |

` + end + "after\n"
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTableErrors(t *testing.T) {
	for _, page := range []string{"no marks", begin, end + begin} {
		if _, err := replace([]byte(page), nil); err == nil {
			t.Errorf("%q has marks", page)
		}
	}
	for _, text := range []string{"no JSON", `{"kernel":"6","features":[{}]}`, `{"kernel":"6.1.1"}`} {
		if c, err := readColumn([]byte(text)); err == nil {
			t.Errorf("%s is %+v", text, c)
		}
	}
}
