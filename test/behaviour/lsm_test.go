// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/kernel"
)

// TestSecurityHooks checks hooks at what the LSMs are asked for, by their own names and by those of the functions that
// ask.
func TestSecurityHooks(t *testing.T) { securityHooks.run(t) }

// atOpening hooks the opening of a file of the table's directory, at a hook of the LSMs or at a function.
func atOpening(hook, name, action string) string {
	return hook + `
  args: [{index: 0, type: file}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: [$DIR/` + name + `]}]
    matchActions: [{action: ` + action + `}]
`
}

const (
	lsmOpen      = "lsmhooks:\n- hook: file_open"
	functionOpen = "kprobes:\n- call: security_file_open\n  syscall: false"
	returnOpen   = functionOpen + "\n  return: true\n  returnArg: {index: 0, type: int}"
)

// opens makes a row whose actor opens a file of its own once, and gets a result: an error, or a descriptor.
func opens(name, file, hook, action string, errno int64, want string) row {
	return row{
		name: name, spec: atOpening(hook, file, action), want: []string{strings.Replace(want, "FILE", "(file $DIR/"+file+" -rw-r--r--)", 1)},
		act: func(a *actor) {
			if got := a.openat(a.dir + "/" + file); errno != 0 {
				a.check(got == -errno, "opened with %d, want %d", got, -errno)
			} else {
				a.check(got >= 0, "opened with %d", got)
			}
		},
	}
}

// openedFiles makes a file for each row: to write one opens it too.
func openedFiles(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	for _, name := range []string{"lsm", "lsmrefused", "function", "refused", "returned"} {
		if err := os.WriteFile(dir+"/"+name, nil, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return nil
}

var securityHooks = register(table{name: "security-hooks", vars: openedFiles, needs: offers(kernel.FeatureLSM), rows: []row{
	opens("LSM hook", "lsm", lsmOpen, "Post", 0, "file_openFILE"),
	opens("LSM hook, Override", "lsmrefused", lsmOpen, "Override, argError: -13", 13, "OVERRIDE file_openFILE"),
	opens("function", "function", functionOpen, "Post", 0, "security_file_openFILE"),
	opens("function, Override", "refused", functionOpen, "Override, argError: -13", 13, "OVERRIDE security_file_openFILE"),
	opens("function with return", "returned", returnOpen, "Post", 0, "security_file_openFILE = int 0"),
}})
