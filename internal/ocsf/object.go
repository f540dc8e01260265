// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"path"
	"strconv"
	"strings"

	"github.com/vedette-io/vedette/internal/event"
)

// Values of the type_id of a file.
const (
	fileUnknown    = 0
	fileExecutable = 8
)

// fileType returns the type_id of a file with the mode of an inode (inode(7)).
func fileType(mode uint16) int64 {
	switch mode & 0o170000 {
	case 0o100000:
		return 1
	case 0o040000:
		return 2
	case 0o020000:
		return 3
	case 0o060000:
		return 4
	case 0o140000:
		return 5
	case 0o010000:
		return 6
	case 0o120000:
		return 7
	}
	return fileUnknown
}

func (w *writer) file(name string, kind int64) {
	w.object("file", func() {
		w.text("name", baseName(name))
		w.text("path", name)
		w.number("type_id", kind)
	})
}

// baseName is the last element of a path: never empty, for a file must have a name.
func baseName(name string) string { return path.Base(strings.TrimRight(name, "/")) }

// actor tells which process it was.
func (w *writer) actor(p, parent *event.Process) {
	w.object("actor", func() {
		w.process("process", p, parent, 0)
		if p.Absent&event.AbsentUID == 0 {
			w.user(p)
		}
	})
}

func (w *writer) user(p *event.Process) {
	w.object("user", func() {
		w.text("uid", strconv.FormatUint(uint64(p.UID), 10))
		w.text("name", p.User)
	})
}

// process tells of a process and its parent. ended is when it has ended, in nanoseconds since the Unix epoch.
func (w *writer) process(name string, p, parent *event.Process, ended int64) {
	w.object(name, func() {
		if p.Absent&event.AbsentPID == 0 {
			w.number("pid", int64(p.PID))
		}
		w.text("uid", p.ExecID)
		if p.Binary != "" {
			w.text("name", baseName(p.Binary))
			w.text("cmd_line", strings.TrimSuffix(p.Binary+" "+p.Arguments, " "))
			w.file(p.Binary, fileExecutable)
		}
		w.text("working_directory", p.CWD)
		w.time("created_time", p.StartTime)
		w.time("terminated_time", ended)
		if p.Absent&event.AbsentUID == 0 {
			w.user(p)
		}
		if len(p.Env) > 0 {
			w.list("environment_variables", func() {
				for _, v := range p.Env {
					w.next()
					w.variable(v)
				}
			})
		}
		if parent != nil {
			w.process("parent_process", parent, nil, 0)
		}
	})
}

// variable tells of an environment variable. Both attributes are required, also where they are empty.
func (w *writer) variable(v event.EnvVar) {
	w.braces(func() {
		w.key("name")
		w.out = event.AppendText(w.out, v.Key)
		w.key("value")
		w.out = event.AppendText(w.out, v.Value)
	})
}

// device tells of the node, and of the container on it.
func (w *writer) device(e *event.Event) {
	const server, linux = 1, 200
	w.object("device", func() {
		w.number("type_id", server)
		w.text("hostname", e.NodeName)
		w.text("domain", e.ClusterName)
		w.object("os", func() {
			w.text("name", "Linux")
			w.number("type_id", linux)
		})
		if pod := e.Process.Pod; pod != nil {
			w.container(pod)
		}
	})
}

func (w *writer) container(pod *event.Pod) {
	w.object("container", func() {
		if c := pod.Container; c != nil {
			w.text("uid", c.ID)
			w.text("name", c.Name)
			if id := c.ImageID; id != "" || c.ImageName != "" {
				if id == "" {
					id = c.ImageName // for it is required
				}
				w.object("image", func() {
					w.text("uid", id)
					w.text("name", c.ImageName)
				})
			}
		}
		w.text("pod_uuid", pod.UID)
		w.text("orchestrator", "kubernetes")
		w.list("labels", func() { // the names that the kubelet gives them
			w.item("io.kubernetes.pod.namespace=" + pod.Namespace)
			w.item("io.kubernetes.pod.name=" + pod.Name)
		})
	})
}

// protocols are the numbers of IANA.
var protocols = map[string]int64{"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132}

func (w *writer) connection(args *arguments, function string) {
	const unknown, inbound, outbound = 0, 1, 2
	direction := int64(unknown)
	switch {
	case strings.Contains(function, "connect"):
		direction = outbound
	case strings.Contains(function, "accept"):
		direction = inbound
	}
	w.object("connection_info", func() {
		w.number("direction_id", direction)
		w.text("protocol_name", args.protocol)
		if number, known := protocols[args.protocol]; known {
			w.number("protocol_num", number)
		}
		address := args.destination.Addr()
		if !address.IsValid() {
			address = args.source.Addr()
		}
		version := int64(6)
		if address.Unmap().Is4() {
			version = 4
		}
		w.number("protocol_ver_id", version)
	})
	if a := args.source; a.IsValid() {
		w.object("src_endpoint", func() {
			w.text("ip", a.Addr().String())
			w.number("port", int64(a.Port()))
		})
	}
	if a := args.destination; a.IsValid() {
		w.object("dst_endpoint", func() {
			w.text("ip", a.Addr().String())
			w.number("port", int64(a.Port()))
		})
	}
}

// module tells of a file that is mapped, a module of the kernel, or a program with a probe.
func (w *writer) module(e *event.Event, args *arguments) {
	const standard, mapped = 1, 4
	name, function, load := args.module, "", int64(standard)
	switch e.Kind {
	case event.KindLoader:
		name, load = string(e.Loader.Path), mapped
	case event.KindUprobe, event.KindUsdt:
		name, function, load = e.Hook.Path, functionOf(e), mapped
	}
	if name == "" {
		name = args.path // of finit_module
	}
	w.object("module", func() {
		if name != "" {
			w.file(name, fileUnknown)
		}
		w.text("function_name", function)
		w.number("load_type_id", load)
	})
}

func (w *writer) kernel(e *event.Event) {
	const unknown, systemCall = 0, 2
	name, kind := functionOf(e), int64(unknown)
	if call, ok := cutCall(name); ok {
		name, kind = call, systemCall
	}
	w.object("kernel", func() {
		w.key("name") // it is required, also where it is empty
		w.out = event.AppendText(w.out, name)
		w.number("type_id", kind)
		if kind == systemCall {
			w.text("system_call", name)
		}
	})
}

// cutCall returns the name of the system call of a function or tracepoint that is one.
func cutCall(name string) (string, bool) {
	name = strings.TrimPrefix(name, "syscalls/")
	for _, prefix := range []string{"__x64_sys_", "__arm64_sys_", "__ia32_sys_", "i386/sys_", "sys_enter_", "sys_exit_", "sys_"} {
		if call, ok := strings.CutPrefix(name, prefix); ok {
			return call, true
		}
	}
	return "", false
}
