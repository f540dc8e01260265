// SPDX-License-Identifier: Apache-2.0

package event

import (
	"slices"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/vedette-io/vedette/api/tetragon"
)

func protoProcess(p *Process, tid uint32) *tetragon.Process {
	if p == nil {
		return nil
	}
	m := &tetragon.Process{
		ExecId:               valid(p.ExecID),
		Cwd:                  valid(p.CWD),
		Binary:               valid(p.Binary),
		Arguments:            valid(p.Arguments),
		Flags:                valid(p.Flags),
		StartTime:            protoTime(p.StartTime),
		Pod:                  protoPod(p.Pod),
		Docker:               valid(p.Docker),
		ParentExecId:         valid(p.ParentExecID),
		Refcnt:               p.Refcnt,
		Cap:                  protoCaps(p.Caps),
		Ns:                   protoNamespaces(p.Namespaces),
		ProcessCredentials:   protoCredentials(p.Creds),
		BinaryProperties:     protoBinaryProperties(p.BinaryProperties),
		EnvironmentVariables: convert(p.Env, protoEnvVar),
	}
	setPresent(m, p)
	if tid != 0 {
		m.Tid = wrapperspb.UInt32(tid)
	}
	if p.User != "" {
		m.User = &tetragon.UserRecord{Name: valid(p.User)}
	}
	return m
}

// setPresent sets the fields that [Absent] can name.
func setPresent(m *tetragon.Process, p *Process) {
	if p.Absent&AbsentPID == 0 {
		m.Pid = wrapperspb.UInt32(p.PID)
	}
	if p.Absent&AbsentTID == 0 {
		m.Tid = wrapperspb.UInt32(p.TID)
	}
	if p.Absent&AbsentUID == 0 {
		m.Uid = wrapperspb.UInt32(p.UID)
	}
	if p.Absent&AbsentAUID == 0 {
		m.Auid = wrapperspb.UInt32(p.AUID)
	}
	if p.Absent&AbsentInInitTree == 0 {
		m.InInitTree = wrapperspb.Bool(p.InInitTree)
	}
}

func protoEnvVar(v *EnvVar) *tetragon.EnvVar {
	return &tetragon.EnvVar{Key: valid(v.Key), Value: valid(v.Value)}
}

func protoPod(pod *Pod) *tetragon.Pod {
	if pod == nil {
		return nil
	}
	return &tetragon.Pod{
		Namespace:      valid(pod.Namespace),
		Name:           valid(pod.Name),
		Uid:            valid(pod.UID),
		Container:      protoContainer(pod.Container),
		PodLabels:      protoLabels(pod.Labels),
		Workload:       valid(pod.Workload),
		WorkloadKind:   valid(pod.WorkloadKind),
		PodAnnotations: protoLabels(pod.Annotations),
	}
}

func protoContainer(c *Container) *tetragon.Container {
	if c == nil {
		return nil
	}
	m := &tetragon.Container{
		Id:             valid(c.ID),
		Name:           valid(c.Name),
		StartTime:      protoTime(c.StartTime),
		Pid:            protoOptional(c.PID),
		MaybeExecProbe: c.MaybeExecProbe,
	}
	if c.ImageID != "" || c.ImageName != "" {
		m.Image = &tetragon.Image{Id: valid(c.ImageID), Name: valid(c.ImageName)}
	}
	if c.Privileged {
		m.SecurityContext = &tetragon.SecurityContext{Privileged: true}
	}
	return m
}

func protoCaps(caps *Capabilities) *tetragon.Capabilities {
	if caps == nil {
		return nil
	}
	return &tetragon.Capabilities{
		Permitted:   capabilityTypes(caps.Permitted),
		Effective:   capabilityTypes(caps.Effective),
		Inheritable: capabilityTypes(caps.Inheritable),
	}
}

func capabilityTypes(set uint64) []tetragon.CapabilitiesType {
	var types []tetragon.CapabilitiesType
	for n := tetragon.CapabilitiesType(0); set != 0; n, set = n+1, set>>1 {
		if set&1 != 0 {
			types = append(types, n)
		}
	}
	return types
}

func protoNamespaces(ns *Namespaces) *tetragon.Namespaces {
	if ns == nil {
		return nil
	}
	return &tetragon.Namespaces{
		Uts:             protoNamespace(ns.UTS),
		Ipc:             protoNamespace(ns.IPC),
		Mnt:             protoNamespace(ns.Mnt),
		Pid:             protoNamespace(ns.PID),
		PidForChildren:  protoNamespace(ns.PIDForChildren),
		Net:             protoNamespace(ns.Net),
		Time:            protoNamespace(ns.Time),
		TimeForChildren: protoNamespace(ns.TimeForChildren),
		Cgroup:          protoNamespace(ns.Cgroup),
		User:            protoNamespace(ns.User),
	}
}

func protoNamespace(ns Namespace) *tetragon.Namespace {
	if ns == (Namespace{}) {
		return nil
	}
	return &tetragon.Namespace{Inum: ns.Inum, IsHost: ns.IsHost}
}

func protoCredentials(c *Credentials) *tetragon.ProcessCredentials {
	if c == nil {
		return nil
	}
	return &tetragon.ProcessCredentials{
		Uid:        wrapperspb.UInt32(c.UID),
		Gid:        wrapperspb.UInt32(c.GID),
		Euid:       wrapperspb.UInt32(c.EUID),
		Egid:       wrapperspb.UInt32(c.EGID),
		Suid:       wrapperspb.UInt32(c.SUID),
		Sgid:       wrapperspb.UInt32(c.SGID),
		Fsuid:      wrapperspb.UInt32(c.FSUID),
		Fsgid:      wrapperspb.UInt32(c.FSGID),
		Securebits: bitTypes[tetragon.SecureBitsType](c.SecureBits),
		Caps:       protoCaps(c.Caps),
		UserNs:     protoUserNS(c.UserNS),
	}
}

// bitTypes returns the set bits as values of an enum whose numbers are single bits.
func bitTypes[T ~int32](set uint32) []T {
	var types []T
	for bit := uint32(1); bit != 0; bit <<= 1 {
		if set&bit != 0 {
			types = append(types, T(bit))
		}
	}
	return types
}

func protoUserNS(ns *UserNamespace) *tetragon.UserNamespace {
	if ns == nil {
		return nil
	}
	return &tetragon.UserNamespace{
		Level: wrapperspb.Int32(ns.Level),
		Uid:   wrapperspb.UInt32(ns.UID),
		Gid:   wrapperspb.UInt32(ns.GID),
		Ns:    protoNamespace(ns.NS),
	}
}

func protoBinaryProperties(b *BinaryProperties) *tetragon.BinaryProperties {
	if b == nil {
		return nil
	}
	m := &tetragon.BinaryProperties{
		Setuid:            protoOptional(b.SetUID),
		Setgid:            protoOptional(b.SetGID),
		PrivilegesChanged: slices.Clone(b.PrivilegesChanged),
	}
	if b.File != nil {
		m.File = &tetragon.FileProperties{Path: valid(b.File.Path)}
		if b.File.Inode != 0 || b.File.Links.Set {
			m.File.Inode = &tetragon.InodeProperties{Number: b.File.Inode, Links: protoOptional(b.File.Links)}
		}
	}
	return m
}
