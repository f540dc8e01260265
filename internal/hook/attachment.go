// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"fmt"
	"slices"
	"strings"
)

// Attachment is a way to attach a hook, by its name in options and statuses.
type Attachment string

// The attachments.
const (
	// AttachFentry is a trampoline at a function's entry, with fexit for its return.
	AttachFentry Attachment = "fentry"
	// AttachFmodRet is a trampoline that can refuse what the function would do.
	AttachFmodRet Attachment = "fmod_ret"
	// AttachLSM is a program at an LSM hook, which can refuse.
	AttachLSM Attachment = "lsm"
	// AttachKprobeMulti is a probe by fprobe (one link for any number of functions).
	AttachKprobeMulti Attachment = "kprobe_multi"
	// AttachKprobe is a probe of its own.
	AttachKprobe Attachment = "kprobe"
	// AttachUprobeMulti is a probe at any number of places in one program, by one link.
	AttachUprobeMulti Attachment = "uprobe_multi"
	// AttachUprobe is a probe at one place in a program.
	AttachUprobe Attachment = "uprobe"
	// AttachSysEnter stands for a kprobe on a system call: the tracepoint of all calls.
	AttachSysEnter Attachment = "sys_enter"
	// AttachSysExit is the equivalent of fd_install: the return of all calls.
	AttachSysExit Attachment = "sys_exit"
	// AttachTracepoint is a tracepoint by its format.
	AttachTracepoint Attachment = "tracepoint"
	// AttachBTFTracepoint is a tracepoint whose arguments have types.
	AttachBTFTracepoint Attachment = "btf_tracepoint"
	// AttachRawTracepoint is a tracepoint by its bare arguments.
	AttachRawTracepoint Attachment = "raw_tracepoint"
)

// attachments are all of them, and what statuses say of them beyond their name.
var attachments = []struct {
	name Attachment
	note string
}{
	{AttachFentry, ""}, {AttachFmodRet, ""}, {AttachLSM, ""}, {AttachKprobeMulti, ""}, {AttachKprobe, ""},
	{AttachSysEnter, "fallback for a kprobe"}, {AttachSysExit, "equivalent of fd_install"},
	{AttachTracepoint, ""}, {AttachBTFTracepoint, ""}, {AttachRawTracepoint, ""}, {AttachUprobeMulti, ""}, {AttachUprobe, ""},
}

// String returns the name, and with it what the attachment stands in for.
func (a Attachment) String() string {
	for _, known := range attachments {
		if known.name == a && known.note != "" {
			return string(a) + " (" + known.note + ")"
		}
	}
	return string(a)
}

// refuses reports whether a program so attached can make its caller fail.
func (a Attachment) refuses() bool { return a == AttachLSM || a == AttachFmodRet }

// traced reports whether the kernel gives the program its arguments as an
// array, of which it may read no more than there are.
func (a Attachment) traced() bool { return a == AttachFentry || a.refuses() }

// probed reports whether the program gets registers.
func (a Attachment) probed() bool {
	return a == AttachKprobe || a == AttachKprobeMulti || a.inProgram()
}

// inProgram reports whether the attachment is one to a place in a program.
func (a Attachment) inProgram() bool { return a == AttachUprobe || a == AttachUprobeMulti }

// function reports whether the attachment is one to a function.
func (a Attachment) function() bool { return a.traced() || a.probed() }

// ParseAttachments understands names of attachments, the most wanted first.
func ParseAttachments(names []string) ([]Attachment, error) {
	var out []Attachment
	for _, name := range names {
		i := slices.IndexFunc(attachments, func(a struct {
			name Attachment
			note string
		}) bool {
			return string(a.name) == name
		})
		if i < 0 {
			return nil, fmt.Errorf("there is no attachment %q, it is one of %s", name, strings.Join(AttachmentNames(), ", "))
		}
		out = append(out, attachments[i].name)
	}
	return out, nil
}

// AttachmentNames returns the names of all attachments.
func AttachmentNames() []string {
	var names []string
	for _, a := range attachments {
		names = append(names, string(a.name))
	}
	return names
}
