// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/test/lab"
)

// followPolicy follows the descriptors of a file from the call that makes
// them, and kills whoever reads one, as the seed policy does.
const followPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: "follow"
spec:
  kprobes:
  - call: "fd_install"
    syscall: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchArgs: [{index: 1, operator: Equal, values: ["FILE"]}]
      matchActions: [{action: FollowFD, argFd: 0, argName: 1}]
  - call: "sys_close"
    syscall: true
    args: [{index: 0, type: int}]
    selectors:
    - matchActions: [{action: UnfollowFD, argFd: 0, argName: 0}]
  - call: "sys_dup2"
    syscall: true
    args: [{index: 0, type: fd}, {index: 1, type: int}]
    selectors:
    - matchActions: [{action: CopyFD, argFd: 0, argName: 1}]
  - call: "sys_dup3"
    syscall: true
    args: [{index: 0, type: fd}, {index: 1, type: int}]
    selectors:
    - matchActions: [{action: CopyFD, argFd: 0, argName: 1}]
  - call: "sys_read"
    syscall: true
    args: [{index: 0, type: fd}]
    selectors:
    - matchActions: [{action: Sigkill}]
`

// TestFollow checks what FollowFD, CopyFD and UnfollowFD mean.
func TestFollow(t *testing.T) {
	lab.Privileged(t)
	a := lab.StartAgent(t)
	secret, other := mustWrite(t, "secret", secretText), mustWrite(t, "other", secretText)
	a.AddPolicy(strings.ReplaceAll(followPolicy, "FILE", secret))
	for mode, kill := range map[string]bool{
		"read": true, "dup": true, "dup2": true, "fcntl-dupfd": true, "thread": true,
		"closed": false, "reused": false,
	} {
		t.Run(mode, func(t *testing.T) {
			r := lab.Run(t, exec.Command(lab.Reader(t), mode, secret))
			if r.Killed() != kill || kill && r.Stdout != "" || !kill && r.Code != 0 {
				t.Errorf("killed is to be %v: %+v", kill, r)
			}
			if r := lab.Run(t, exec.Command(lab.Reader(t), mode, other)); r.Code != 0 {
				t.Errorf("another file: %+v", r)
			}
		})
	}
}
