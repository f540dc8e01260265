// SPDX-License-Identifier: Apache-2.0

package event

func optProcess(dst []byte, key string, p *Process, tid uint32) []byte {
	if p == nil {
		return dst
	}
	return appendProcess(appendKey(dst, key), p, tid)
}

// appendProcess appends p. A tid other than 0 takes the place of the process's own.
func appendProcess(dst []byte, p *Process, tid uint32) []byte {
	if p == nil {
		return append(dst, "{}"...)
	}
	dst = append(dst, '{')
	dst = optString(dst, `"exec_id":`, p.ExecID)
	if p.Absent&AbsentPID == 0 {
		dst = appendUint(dst, `"pid":`, uint64(p.PID))
	}
	if p.Absent&AbsentUID == 0 {
		dst = appendUint(dst, `"uid":`, uint64(p.UID))
	}
	dst = optString(dst, `"cwd":`, p.CWD)
	dst = optString(dst, `"binary":`, p.Binary)
	dst = optString(dst, `"arguments":`, p.Arguments)
	dst = optString(dst, `"flags":`, p.Flags)
	dst = optTime(dst, `"start_time":`, p.StartTime)
	if p.Absent&AbsentAUID == 0 {
		dst = appendUint(dst, `"auid":`, uint64(p.AUID))
	}
	dst = optPod(dst, p.Pod)
	dst = optString(dst, `"docker":`, p.Docker)
	dst = optString(dst, `"parent_exec_id":`, p.ParentExecID)
	dst = optUint(dst, `"refcnt":`, uint64(p.Refcnt))
	dst = optCaps(dst, `"cap":`, p.Caps)
	dst = optNamespaces(dst, p.Namespaces)
	switch {
	case tid != 0:
		dst = appendUint(dst, `"tid":`, uint64(tid))
	case p.Absent&AbsentTID == 0:
		dst = appendUint(dst, `"tid":`, uint64(p.TID))
	}
	if p.Creds != nil {
		dst = openObject(dst, `"process_credentials":`)
		dst = append(appendCredentialsFields(dst, p.Creds), '}')
	}
	dst = optBinaryProperties(dst, p.BinaryProperties)
	if p.User != "" {
		dst = openObject(dst, `"user":`)
		dst = append(appendString(dst, `"name":`, p.User), '}')
	}
	if p.Absent&AbsentInInitTree == 0 {
		dst = appendBool(dst, `"in_init_tree":`, p.InInitTree)
	}
	dst = optEnv(dst, p.Env)
	return append(dst, '}')
}

func optPod(dst []byte, pod *Pod) []byte {
	if pod == nil {
		return dst
	}
	dst = openObject(dst, `"pod":`)
	dst = optString(dst, `"namespace":`, pod.Namespace)
	dst = optString(dst, `"name":`, pod.Name)
	dst = optString(dst, `"uid":`, pod.UID)
	dst = optContainer(dst, pod.Container)
	dst = optLabels(dst, `"pod_labels":`, pod.Labels)
	dst = optString(dst, `"workload":`, pod.Workload)
	dst = optString(dst, `"workload_kind":`, pod.WorkloadKind)
	dst = optLabels(dst, `"pod_annotations":`, pod.Annotations)
	return append(dst, '}')
}

func optContainer(dst []byte, c *Container) []byte {
	if c == nil {
		return dst
	}
	dst = openObject(dst, `"container":`)
	dst = optString(dst, `"id":`, c.ID)
	dst = optString(dst, `"name":`, c.Name)
	if c.ImageID != "" || c.ImageName != "" {
		dst = openObject(dst, `"image":`)
		dst = optString(dst, `"id":`, c.ImageID)
		dst = optString(dst, `"name":`, c.ImageName)
		dst = append(dst, '}')
	}
	dst = optTime(dst, `"start_time":`, c.StartTime)
	if c.PID.Set {
		dst = appendUint(dst, `"pid":`, uint64(c.PID.Value))
	}
	dst = optBool(dst, `"maybe_exec_probe":`, c.MaybeExecProbe)
	if c.Privileged {
		dst = openObject(dst, `"security_context":`)
		dst = append(appendBool(dst, `"privileged":`, true), '}')
	}
	return append(dst, '}')
}

func optCaps(dst []byte, key string, caps *Capabilities) []byte {
	if caps == nil {
		return dst
	}
	return append(appendCapsFields(openObject(dst, key), caps), '}')
}

func appendCapsFields(dst []byte, caps *Capabilities) []byte {
	dst = optBits(dst, `"permitted":`, capabilityNames, caps.Permitted)
	dst = optBits(dst, `"effective":`, capabilityNames, caps.Effective)
	return optBits(dst, `"inheritable":`, capabilityNames, caps.Inheritable)
}

func optNamespaces(dst []byte, ns *Namespaces) []byte {
	if ns == nil {
		return dst
	}
	dst = openObject(dst, `"ns":`)
	dst = optNamespace(dst, `"uts":`, ns.UTS)
	dst = optNamespace(dst, `"ipc":`, ns.IPC)
	dst = optNamespace(dst, `"mnt":`, ns.Mnt)
	dst = optNamespace(dst, `"pid":`, ns.PID)
	dst = optNamespace(dst, `"pid_for_children":`, ns.PIDForChildren)
	dst = optNamespace(dst, `"net":`, ns.Net)
	dst = optNamespace(dst, `"time":`, ns.Time)
	dst = optNamespace(dst, `"time_for_children":`, ns.TimeForChildren)
	dst = optNamespace(dst, `"cgroup":`, ns.Cgroup)
	dst = optNamespace(dst, `"user":`, ns.User)
	return append(dst, '}')
}

func optNamespace(dst []byte, key string, ns Namespace) []byte {
	if ns == (Namespace{}) {
		return dst
	}
	dst = openObject(dst, key)
	dst = optUint(dst, `"inum":`, uint64(ns.Inum))
	dst = optBool(dst, `"is_host":`, ns.IsHost)
	return append(dst, '}')
}

func appendCredentialsFields(dst []byte, c *Credentials) []byte {
	dst = appendUint(dst, `"uid":`, uint64(c.UID))
	dst = appendUint(dst, `"gid":`, uint64(c.GID))
	dst = appendUint(dst, `"euid":`, uint64(c.EUID))
	dst = appendUint(dst, `"egid":`, uint64(c.EGID))
	dst = appendUint(dst, `"suid":`, uint64(c.SUID))
	dst = appendUint(dst, `"sgid":`, uint64(c.SGID))
	dst = appendUint(dst, `"fsuid":`, uint64(c.FSUID))
	dst = appendUint(dst, `"fsgid":`, uint64(c.FSGID))
	dst = optBits(dst, `"securebits":`, secureBitNames, uint64(c.SecureBits))
	dst = optCaps(dst, `"caps":`, c.Caps)
	if c.UserNS != nil {
		dst = openObject(dst, `"user_ns":`)
		dst = append(appendUserNSFields(dst, c.UserNS), '}')
	}
	return dst
}

func appendUserNSFields(dst []byte, ns *UserNamespace) []byte {
	dst = appendInt(dst, `"level":`, int64(ns.Level))
	dst = appendUint(dst, `"uid":`, uint64(ns.UID))
	dst = appendUint(dst, `"gid":`, uint64(ns.GID))
	return optNamespace(dst, `"ns":`, ns.NS)
}

func optBinaryProperties(dst []byte, b *BinaryProperties) []byte {
	if b == nil {
		return dst
	}
	dst = openObject(dst, `"binary_properties":`)
	if b.SetUID.Set {
		dst = appendUint(dst, `"setuid":`, uint64(b.SetUID.Value))
	}
	if b.SetGID.Set {
		dst = appendUint(dst, `"setgid":`, uint64(b.SetGID.Value))
	}
	if len(b.PrivilegesChanged) > 0 {
		dst = append(appendKey(dst, `"privileges_changed":`), '[')
		for _, change := range b.PrivilegesChanged {
			dst = append(privilegeNames.append(dst, int64(change)), ',')
		}
		dst = closeList(dst)
	}
	if b.File != nil {
		dst = appendFile(appendKey(dst, `"file":`), b.File)
	}
	return append(dst, '}')
}

func appendFile(dst []byte, f *File) []byte {
	dst = append(dst, '{')
	if f.Inode != 0 || f.Links.Set {
		dst = openObject(dst, `"inode":`)
		dst = optUint64(dst, `"number":`, f.Inode)
		if f.Links.Set {
			dst = appendUint(dst, `"links":`, uint64(f.Links.Value))
		}
		dst = append(dst, '}')
	}
	dst = optString(dst, `"path":`, f.Path)
	return append(dst, '}')
}

func optEnv(dst []byte, env []EnvVar) []byte {
	if len(env) == 0 {
		return dst
	}
	dst = append(appendKey(dst, `"environment_variables":`), '[')
	for i := range env {
		dst = append(dst, '{')
		dst = optString(dst, `"Key":`, env[i].Key)
		dst = optString(dst, `"Value":`, env[i].Value)
		dst = append(dst, '}', ',')
	}
	return closeList(dst)
}
