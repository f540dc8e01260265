// SPDX-License-Identifier: Apache-2.0

package process

import (
	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/bpf"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

func (t *Tree) describeCredentials(info *event.Process, e *record.Exec) {
	c := &e.Cred
	info.Caps = &event.Capabilities{
		Permitted:   c.CapPermitted,
		Effective:   c.CapEffective,
		Inheritable: c.CapInheritable,
	}
	info.Creds = &event.Credentials{
		UID: c.Uid, GID: c.Gid,
		EUID: c.Euid, EGID: c.Egid,
		SUID: c.Suid, SGID: c.Sgid,
		FSUID: c.Fsuid, FSGID: c.Fsgid,
		SecureBits: c.Securebits,
		Caps:       info.Caps,
		UserNS: &event.UserNamespace{
			Level: int32(c.UsernsLevel),
			UID:   c.UsernsOwner,
			GID:   c.UsernsGroup,
			NS:    t.namespace(e, bpf.ContractVdNamespaceVD_NS_USER),
		},
	}
}

func (t *Tree) namespace(e *record.Exec, i bpf.ContractVdNamespace) event.Namespace {
	return event.Namespace{Inum: e.Ns[i], IsHost: e.Ns[i] != 0 && e.Ns[i] == t.opts.HostNamespaces[i]}
}

// namespaces returns the namespaces of an image.
func (t *Tree) namespaces(e *record.Exec) *event.Namespaces {
	ns := func(i bpf.ContractVdNamespace) event.Namespace { return t.namespace(e, i) }
	return &event.Namespaces{
		UTS:             ns(bpf.ContractVdNamespaceVD_NS_UTS),
		IPC:             ns(bpf.ContractVdNamespaceVD_NS_IPC),
		Mnt:             ns(bpf.ContractVdNamespaceVD_NS_MNT),
		PID:             ns(bpf.ContractVdNamespaceVD_NS_PID),
		PIDForChildren:  ns(bpf.ContractVdNamespaceVD_NS_PID_FOR_CHILDREN),
		Net:             ns(bpf.ContractVdNamespaceVD_NS_NET),
		Time:            ns(bpf.ContractVdNamespaceVD_NS_TIME),
		TimeForChildren: ns(bpf.ContractVdNamespaceVD_NS_TIME_FOR_CHILDREN),
		Cgroup:          ns(bpf.ContractVdNamespaceVD_NS_CGROUP),
		User:            ns(bpf.ContractVdNamespaceVD_NS_USER),
	}
}

// binaryProperties returns what is special about the binary of an image, nil if nothing is.
func binaryProperties(info *event.Process, e *record.Exec) *event.BinaryProperties {
	var b event.BinaryProperties
	is := func(flag bpf.ContractVdExecFlags) bool { return e.Flags&uint32(flag) != 0 }
	if is(bpf.ContractVdExecFlagsVD_EXEC_CAPS_RAISED) {
		b.PrivilegesChanged = append(b.PrivilegesChanged,
			tetragon.ProcessPrivilegesChanged_PRIVILEGES_RAISED_EXEC_FILE_CAP)
	}
	if is(bpf.ContractVdExecFlagsVD_EXEC_SETUID) {
		b.SetUID = event.Some(e.Cred.Euid)
		if e.Cred.Euid == 0 {
			b.PrivilegesChanged = append(b.PrivilegesChanged,
				tetragon.ProcessPrivilegesChanged_PRIVILEGES_RAISED_EXEC_FILE_SETUID)
		}
	}
	if is(bpf.ContractVdExecFlagsVD_EXEC_SETGID) {
		b.SetGID = event.Some(e.Cred.Egid)
		b.PrivilegesChanged = append(b.PrivilegesChanged,
			tetragon.ProcessPrivilegesChanged_PRIVILEGES_RAISED_EXEC_FILE_SETGID)
	}
	if e.Ino != 0 && e.Nlink == 0 {
		b.File = &event.File{Inode: e.Ino, Links: event.Some(uint32(0)), Path: fileless(info, e)}
	}
	if !b.SetUID.Set && !b.SetGID.Set && b.PrivilegesChanged == nil && b.File == nil {
		return nil
	}
	return &b
}

// fileless returns the path of a binary without a name in any directory: what it had, as the kernel
// resolves it ("/memfd:name (deleted)").
func fileless(info *event.Process, e *record.Exec) string {
	if len(e.Exe) == 0 {
		return info.Binary
	}
	return string(e.Exe)
}
