// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestReturnActions checks what is done when a call returns.
func TestReturnActions(t *testing.T) { returnActions.run(t) }

// seekReturns hooks lseek with selectors; $TESTPID is not needed: only the actor has that descriptor.
func seekReturns(selectors string) string {
	return `
kprobes:
- call: sys_lseek
  return: true
  returnArg: {index: 0, type: long}
  args: [{index: 0, type: int}]
  selectors:
` + selectors
}

// seekTo sets a descriptor's offset to some values.
func seekTo(fd int, offsets ...int64) func(*actor) {
	return func(a *actor) {
		a.file("seek", "", fd)
		for _, offset := range offsets {
			a.call(unix.SYS_LSEEK, uint64(fd), uint64(offset), unix.SEEK_SET)
		}
	}
}

var returnActions = register(table{name: "return-actions", rows: []row{
	{
		name: "kill",
		spec: seekReturns(`
  - matchArgs: [{index: 0, operator: Equal, values: ["2071"]}]
    matchReturnArgs: [{index: 0, operator: Equal, values: ["5"]}]
    matchReturnActions: [{action: Sigkill}]
`),
		act:    seekTo(2071, 4, 5, 6),
		want:   []string{"sys_lseek(int 2071) = long 5 return action KPROBE_ACTION_SIGKILL"},
		signal: unix.SIGKILL,
	},
	{
		name: "kill in monitor mode",
		spec: "options: [{name: policy-mode, value: monitor}]" + seekReturns(`
  - matchArgs: [{index: 0, operator: Equal, values: ["2072"]}]
    matchReturnActions: [{action: Sigkill}]
`),
		act:  seekTo(2072, 5),
		want: []string{"sys_lseek(int 2072) = long 5 return action KPROBE_ACTION_SIGKILL"},
	},
	{
		name: "a signal without an event",
		spec: seekReturns(`
  - matchArgs: [{index: 0, operator: Equal, values: ["2073"]}]
    matchActions: [{action: NoPost}]
    matchReturnActions: [{action: Signal, argSig: 9}]
`),
		act:    seekTo(2073, 5),
		signal: unix.SIGKILL,
	},
	{
		name: "no event of some values",
		spec: seekReturns(`
  - matchArgs: [{index: 0, operator: Equal, values: ["2074"]}]
    matchReturnArgs: [{index: 0, operator: GT, values: ["5"]}]
    matchReturnActions: [{action: NoPost}]
`) + `- call: sys_lseek
  return: true
  returnArg: {index: 0, type: long}
  args: [{index: 0, type: int}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["2074"]}]
    matchReturnArgs: [{index: 0, operator: LT, values: ["6"]}]
    matchReturnActions: [{action: Post}]
`,
		act:  seekTo(2074, 4, 6, 5),
		want: []string{"sys_lseek(int 2074) = long 4", "sys_lseek(int 2074) = long 5"},
	},
	{
		// The selector that matches the arguments is the one whose return actions run.
		name: "of the first selector that matches",
		spec: seekReturns(`
  - matchArgs: [{index: 0, operator: Equal, values: ["2075"]}]
    matchReturnArgs: [{index: 0, operator: Equal, values: ["4"]}]
    matchReturnActions: [{action: Signal, argSig: 23}]
  - matchArgs: [{index: 0, operator: GT, values: ["2074"]}, {index: 0, operator: LT, values: ["2076"]}]
    matchReturnActions: [{action: Sigkill}]
`),
		act:  seekTo(2075, 4, 5),
		want: []string{"sys_lseek(int 2075) = long 4 return action KPROBE_ACTION_SIGNAL"},
	},
	{
		// A limit is one of events, not of what else is done.
		name: "a limit of events",
		spec: seekReturns(`
  - matchArgs: [{index: 0, operator: Equal, values: ["2076"]}]
    matchActions: [{action: Post, rateLimit: 10m}]
    matchReturnArgs: [{index: 0, operator: GT, values: ["4"]}]
    matchReturnActions: [{action: Signal, argSig: 23}]
`) + `- call: sys_lseek
  return: true
  returnArg: {index: 0, type: long}
  args: [{index: 0, type: int}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["2076"]}]
    matchReturnArgs: [{index: 0, operator: Equal, values: ["8"]}]
    matchReturnActions: [{action: Sigkill}]
`,
		act: seekTo(2076, 4, 5, 6, 8),
		want: []string{
			"sys_lseek(int 2076) = long 5 return action KPROBE_ACTION_SIGNAL",
			"sys_lseek(int 2076) = long 8 return action KPROBE_ACTION_SIGKILL",
		},
		signal: unix.SIGKILL,
	},
	{
		// The copy is followed only if the call has made it.
		name: "a copied descriptor is followed",
		spec: following(`- call: sys_dup3
  return: true
  returnArg: {index: 0, type: int}
  args: [{index: 0, type: int}, {index: 1, type: int}]
  selectors:
  - ` + ours + `matchArgs: [{index: 1, operator: InRange, values: ["72:73"]}]
    matchReturnArgs: [{index: 0, operator: Equal, values: ["72"]}]
    matchReturnActions: [{action: CopyFD, argFd: 0, argName: 1}]
`),
		act: then(makeSecret, openSecret, func(a *actor) {
			a.must(unix.Dup3(60, 72, 0))
			a.must(unix.Dup3(60, 73, 0))
		}, readAt(72), readAt(73)),
		want: []string{followed, "sys_dup3(int 60, int 72) = int 72 return action KPROBE_ACTION_COPYFD", readSecret},
	},
}})
