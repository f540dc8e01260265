// SPDX-License-Identifier: Apache-2.0

package event

import (
	"slices"

	"github.com/vedette-io/vedette/api/tetragon"
)

func processOf(m *tetragon.Process) *Process {
	if m == nil {
		return nil
	}
	return &Process{
		ExecID:           m.GetExecId(),
		ParentExecID:     m.GetParentExecId(),
		PID:              m.GetPid().GetValue(),
		TID:              m.GetTid().GetValue(),
		UID:              m.GetUid().GetValue(),
		AUID:             m.GetAuid().GetValue(),
		CWD:              m.GetCwd(),
		Binary:           m.GetBinary(),
		Arguments:        m.GetArguments(),
		Flags:            m.GetFlags(),
		StartTime:        nanosOf(m.GetStartTime()),
		Docker:           m.GetDocker(),
		Refcnt:           m.GetRefcnt(),
		InInitTree:       m.GetInInitTree().GetValue(),
		Absent:           absentOf(m),
		Pod:              podOf(m.GetPod()),
		Caps:             capsOf(m.GetCap()),
		Creds:            credentialsOf(m.GetProcessCredentials()),
		Namespaces:       namespacesOf(m.GetNs()),
		BinaryProperties: binaryPropertiesOf(m.GetBinaryProperties()),
		User:             m.GetUser().GetName(),
		Env: convert(m.GetEnvironmentVariables(), func(v **tetragon.EnvVar) EnvVar {
			return EnvVar{Key: (*v).GetKey(), Value: (*v).GetValue()}
		}),
	}
}

func absentOf(m *tetragon.Process) Absent {
	var absent Absent
	for _, field := range []struct {
		missing bool
		bit     Absent
	}{
		{m.GetPid() == nil, AbsentPID},
		{m.GetTid() == nil, AbsentTID},
		{m.GetUid() == nil, AbsentUID},
		{m.GetAuid() == nil, AbsentAUID},
		{m.GetInInitTree() == nil, AbsentInInitTree},
	} {
		if field.missing {
			absent |= field.bit
		}
	}
	return absent
}

func podOf(m *tetragon.Pod) *Pod {
	if m == nil {
		return nil
	}
	return &Pod{
		Namespace:    m.GetNamespace(),
		Name:         m.GetName(),
		UID:          m.GetUid(),
		Container:    containerOf(m.GetContainer()),
		Labels:       LabelsOf(m.GetPodLabels()),
		Workload:     m.GetWorkload(),
		WorkloadKind: m.GetWorkloadKind(),
		Annotations:  LabelsOf(m.GetPodAnnotations()),
	}
}

func containerOf(m *tetragon.Container) *Container {
	if m == nil {
		return nil
	}
	return &Container{
		ID:             m.GetId(),
		Name:           m.GetName(),
		ImageID:        m.GetImage().GetId(),
		ImageName:      m.GetImage().GetName(),
		StartTime:      nanosOf(m.GetStartTime()),
		PID:            optionalOf(m.GetPid()),
		MaybeExecProbe: m.GetMaybeExecProbe(),
		Privileged:     m.GetSecurityContext().GetPrivileged(),
	}
}

// capabilitySets is what the two messages with capability sets have.
type capabilitySets interface {
	GetPermitted() []tetragon.CapabilitiesType
	GetEffective() []tetragon.CapabilitiesType
	GetInheritable() []tetragon.CapabilitiesType
}

func capsOf(m *tetragon.Capabilities) *Capabilities {
	if m == nil {
		return nil
	}
	return capabilitiesOf(m)
}

func capabilitiesOf(m capabilitySets) *Capabilities {
	return &Capabilities{
		Permitted:   capabilityBits(m.GetPermitted()),
		Effective:   capabilityBits(m.GetEffective()),
		Inheritable: capabilityBits(m.GetInheritable()),
	}
}

func capabilityBits(types []tetragon.CapabilitiesType) uint64 {
	var set uint64
	for _, n := range types {
		if n >= 0 && n < 64 {
			set |= 1 << n
		}
	}
	return set
}

func namespacesOf(m *tetragon.Namespaces) *Namespaces {
	if m == nil {
		return nil
	}
	return &Namespaces{
		UTS:             namespaceOf(m.GetUts()),
		IPC:             namespaceOf(m.GetIpc()),
		Mnt:             namespaceOf(m.GetMnt()),
		PID:             namespaceOf(m.GetPid()),
		PIDForChildren:  namespaceOf(m.GetPidForChildren()),
		Net:             namespaceOf(m.GetNet()),
		Time:            namespaceOf(m.GetTime()),
		TimeForChildren: namespaceOf(m.GetTimeForChildren()),
		Cgroup:          namespaceOf(m.GetCgroup()),
		User:            namespaceOf(m.GetUser()),
	}
}

func namespaceOf(m *tetragon.Namespace) Namespace {
	return Namespace{Inum: m.GetInum(), IsHost: m.GetIsHost()}
}

func credentialsOf(m *tetragon.ProcessCredentials) *Credentials {
	if m == nil {
		return nil
	}
	return &Credentials{
		UID:        m.GetUid().GetValue(),
		GID:        m.GetGid().GetValue(),
		EUID:       m.GetEuid().GetValue(),
		EGID:       m.GetEgid().GetValue(),
		SUID:       m.GetSuid().GetValue(),
		SGID:       m.GetSgid().GetValue(),
		FSUID:      m.GetFsuid().GetValue(),
		FSGID:      m.GetFsgid().GetValue(),
		SecureBits: bitsOf(m.GetSecurebits()),
		Caps:       capsOf(m.GetCaps()),
		UserNS:     userNSOf(m.GetUserNs()),
	}
}

func bitsOf[T ~int32](types []T) uint32 {
	var set uint32
	for _, bit := range types {
		set |= uint32(bit)
	}
	return set
}

func userNSOf(m *tetragon.UserNamespace) *UserNamespace {
	if m == nil {
		return nil
	}
	return &UserNamespace{
		Level: m.GetLevel().GetValue(),
		UID:   m.GetUid().GetValue(),
		GID:   m.GetGid().GetValue(),
		NS:    namespaceOf(m.GetNs()),
	}
}

func binaryPropertiesOf(m *tetragon.BinaryProperties) *BinaryProperties {
	if m == nil {
		return nil
	}
	b := &BinaryProperties{
		SetUID:            optionalOf(m.GetSetuid()),
		SetGID:            optionalOf(m.GetSetgid()),
		PrivilegesChanged: slices.Clone(m.GetPrivilegesChanged()),
	}
	if file := m.GetFile(); file != nil {
		b.File = &File{
			Inode: file.GetInode().GetNumber(),
			Links: optionalOf(file.GetInode().GetLinks()),
			Path:  file.GetPath(),
		}
	}
	return b
}
