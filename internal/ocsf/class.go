// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"strings"

	"github.com/vedette-io/vedette/internal/event"
)

// class is a class of the schema.
type class struct {
	uid, category int64
	name          string
}

// The classes that events are of.
var (
	baseEvent        = class{0, 0, "Base Event"}
	fileActivity     = class{1001, 1, "File System Activity"}
	kernelActivity   = class{1003, 1, "Kernel Activity"}
	moduleActivity   = class{1005, 1, "Module Activity"}
	processActivity  = class{1007, 1, "Process Activity"}
	detectionFinding = class{2004, 2, "Detection Finding"}
	networkActivity  = class{4001, 4, "Network Activity"}
)

// activity is what was done, by its number in its class.
type activity struct {
	class class
	id    int64
	name  string
}

var (
	launch     = activity{processActivity, 1, "Launch"}
	terminate  = activity{processActivity, 2, "Terminate"}
	setUser    = activity{processActivity, 5, "Set User ID"}
	moduleLoad = activity{moduleActivity, 1, "Load"}
	unload     = activity{moduleActivity, 2, "Unload"}
	callModule = activity{moduleActivity, 3, "Invoke"}
	invoke     = activity{kernelActivity, 4, "Invoke"}
	create     = activity{detectionFinding, 1, "Create"}
)

// other is an activity that the class has no number for.
func other(c class, name string) activity {
	if name == "" {
		name = "Other"
	}
	return activity{c, 99, name}
}

// verb names activities by what the name of a function has in it.
type verb struct {
	word string
	id   int64
	name string
}

// fileVerbs and networkVerbs are looked at in their order: the longer word before one that it has in it.
var (
	fileVerbs = []verb{
		{"unlink", 4, "Delete"}, {"rmdir", 4, "Delete"}, {"rename", 5, "Rename"}, {"umount", 13, "Unmount"}, {"mount", 12, "Mount"},
		{"setxattr", 7, "Set Security"}, {"getxattr", 9, "Get Security"}, {"chmod", 6, "Set Attributes"}, {"chown", 6, "Set Attributes"},
		{"setattr", 6, "Set Attributes"}, {"utime", 6, "Set Attributes"}, {"getattr", 8, "Get Attributes"}, {"stat", 8, "Get Attributes"},
		{"truncate", 3, "Update"}, {"write", 3, "Update"}, {"mkdir", 1, "Create"}, {"mknod", 1, "Create"}, {"symlink", 1, "Create"},
		{"link", 1, "Create"}, {"creat", 1, "Create"}, {"open", 14, "Open"}, {"fd_install", 14, "Open"}, {"read", 2, "Read"},
	}
	networkVerbs = []verb{
		{"connect", 1, "Open"}, {"accept", 1, "Open"}, {"listen", 7, "Listen"}, {"reset", 3, "Reset"}, {"close", 2, "Close"},
		{"shutdown", 2, "Close"}, {"send", 6, "Traffic"}, {"recv", 6, "Traffic"}, {"xmit", 6, "Traffic"}, {"skb", 6, "Traffic"},
	}
)

func byVerb(c class, verbs []verb, function string) (activity, bool) {
	for _, v := range verbs {
		if strings.Contains(function, v.word) {
			return activity{c, v.id, v.name}, true
		}
	}
	return other(c, function), false
}

// activityOf returns what an event tells, but for what was enforced.
func activityOf(e *event.Event) activity {
	if e.Process == nil {
		return other(baseEvent, e.Kind.String())
	}
	switch e.Kind {
	case event.KindExec:
		return launch
	case event.KindExit:
		return terminate
	case event.KindLoader:
		return moduleLoad
	case event.KindUprobe, event.KindUsdt:
		return callModule
	case event.KindKprobe, event.KindTracepoint, event.KindLSM:
		return hookActivity(e)
	}
	return other(baseEvent, e.Kind.String())
}

// hookActivity goes by the arguments: what they are tells more than the name of the function.
func hookActivity(e *event.Event) activity {
	name := functionOf(e)
	args := argumentsOf(e)
	switch {
	case args.endpoints():
		a, _ := byVerb(networkActivity, networkVerbs, name)
		return a
	case args.module != "" || strings.HasSuffix(name, "init_module"):
		if strings.Contains(name, "free") || strings.Contains(name, "delete") {
			return unload
		}
		return moduleLoad
	case args.credentials || strings.Contains(name, "setuid") || strings.Contains(name, "setresuid"):
		return setUser
	case args.path != "":
		a, _ := byVerb(fileActivity, fileVerbs, name)
		return a
	case args.text != "":
		if a, known := byVerb(fileActivity, fileVerbs, name); known {
			return a
		}
	}
	return invoke
}

// functionOf names what a hook is on.
func functionOf(e *event.Event) string {
	h := &e.Hook
	switch e.Kind {
	case event.KindTracepoint:
		return h.Subsystem + "/" + h.Event
	case event.KindUprobe:
		return h.Symbol
	case event.KindUsdt:
		return h.Provider + ":" + h.Name
	}
	return h.Function
}
