// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const id64 = "1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff001"

func TestContainerID(t *testing.T) {
	const id31 = "1b2c3d4e5f60718293a4b5c6d7e8f90"
	pod := "kubepods-burstable-pod2f1e9b7c_9d3a_4c55_8a51_0123456789ab.slice"
	tests := map[string]struct{ path, want string }{
		"docker, cgroupfs":         {"/docker/" + id64, id64},
		"docker, systemd":          {"/system.slice/docker-" + id64 + ".scope", id64},
		"kubepods cgroupfs":        {"/kubepods/burstable/pod2f1e9b7c-9d3a-4c55-8a51-0123456789ab/" + id64, id64},
		"kubepods systemd":         {"/kubepods.slice/kubepods-burstable.slice/" + pod + "/cri-containerd-" + id64 + ".scope", id64},
		"kubelet in a slice":       {"/kubelet.slice/kubelet-" + pod + "/cri-containerd-" + id64 + ".scope", id64},
		"cri-o":                    {"/kubepods.slice/" + pod + "/crio-" + id64 + ".scope", id64},
		"podman":                   {"/machine.slice/libpod-" + id64 + ".scope/container", id64},
		"podman, nested twice":     {"/machine.slice/libpod-" + id64 + ".scope/container/init.scope", id64},
		"slice, runtime, id":       {"/system.slice/containerd.service/" + pod + ":cri-containerd:" + id64, id64},
		"systemd in the container": {"/docker/" + id64 + "/system.slice/nginx.service", id64},
		"container in container":   {"/docker/" + strings.Repeat("a", 64) + "/docker/" + id64, id64},
		"only a name":              {id64, id64},
		"short id":                 {"/docker-" + id31 + ".scope", id31},
		"short name":               {"/docker/" + id31, ""},
		"too short":                {"/docker/" + id31[1:], ""},
		"trailing slash":           {"/docker/" + id64 + "/", id64},
		"root":                     {"/", ""},
		"empty":                    {"", ""},
		"service":                  {"/system.slice/ssh.service", ""},
		"session":                  {"/user.slice/user-1000.slice/session-3.scope", ""},
		"pod without container":    {"/kubepods.slice/" + pod, ""},
		"monitor of cri-o":         {"/system.slice/crio-conmon-" + id64 + ".scope", ""},
		"monitor of podman":        {"/machine.slice/libpod-conmon-" + id64 + ".scope", ""},
		"longer than an id":        {"/docker/" + id64 + "0", ""},
		"long but not hex":         {"/system.slice/run-r" + id64 + ".scope", ""},
		"upper case is none":       {"/docker/" + strings.ToUpper(id64), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := string(ContainerID([]byte(test.path))); got != test.want {
				t.Errorf("ContainerID(%q) = %q, want %q", test.path, got, test.want)
			}
		})
	}
}

// mustProc makes a directory with the given namespace links, "1/mnt" → target.
func mustProc(tb testing.TB, links map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, target := range links {
		pid, file := filepath.Split(name)
		ns := filepath.Join(dir, pid, "ns")
		if err := os.MkdirAll(ns, 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(ns, file)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func TestHostNamespaces(t *testing.T) {
	proc := mustProc(t, map[string]string{
		"1/mnt":     "mnt:[4026531841]",
		"self/mnt":  "mnt:[11]",
		"self/user": "user:[4026531837]",
	})
	host, err := HostNamespaces(proc)
	if err != nil {
		t.Fatal(err)
	}
	if host[2] != 4026531841 {
		t.Errorf("mnt is %d, want that of process 1", host[2])
	}
	if host[9] != 4026531837 {
		t.Errorf("user is %d, want our own where that of process 1 cannot be read", host[9])
	}
	if host[6] != 0 {
		t.Errorf("time is %d, want 0 where the kernel has none", host[6])
	}
}

func TestHostNamespacesErrors(t *testing.T) {
	tests := map[string]struct {
		links map[string]string
		want  string
	}{
		"no proc":         {nil, "namespaces of the host"},
		"not a namespace": {map[string]string{"1/net": "net:[x]", "self/net": "socket:[7"}, `"socket:[7" is not a namespace`},
		"too big":         {map[string]string{"1/net": "net:[4294967296]", "self/net": "net:[4294967296]"}, "is not a namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := HostNamespaces(mustProc(t, test.links))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestHostNamespacesHere(t *testing.T) {
	if testing.Short() {
		t.Skip("reads /proc of the machine")
	}
	host, err := HostNamespaces("/proc")
	if err != nil {
		t.Fatal(err)
	}
	if host[2] == 0 || host[9] == 0 {
		t.Errorf("mnt %d, user %d: want both", host[2], host[9])
	}
}

func TestNodeName(t *testing.T) {
	t.Setenv("HUBBLE_NODE_NAME", "first")
	t.Setenv("NODE_NAME", "second")
	if name, _ := NodeName(); name != "first" {
		t.Errorf("NodeName() = %q, want HUBBLE_NODE_NAME", name)
	}
	t.Setenv("HUBBLE_NODE_NAME", "")
	if name, _ := NodeName(); name != "second" {
		t.Errorf("NodeName() = %q, want NODE_NAME", name)
	}
	t.Setenv("NODE_NAME", "")
	host, _ := os.Hostname()
	if name, err := NodeName(); err != nil || name != host {
		t.Errorf("NodeName() = %q, %v, want %q", name, err, host)
	}
}

func TestDocker(t *testing.T) {
	if got := Docker(id64); got != id64[:31] {
		t.Errorf("Docker() = %q, want the first 31 characters", got)
	}
	if got := Docker(""); got != "" {
		t.Errorf("Docker() of a host process = %q, want none", got)
	}
}

func TestContainersRemembersByCgroup(t *testing.T) {
	c := NewContainers()
	path := []byte("/docker/" + id64)
	if got := c.Container(7, path); got != id64 {
		t.Fatalf("first look-up gave %q", got)
	}
	if got := c.Container(7, nil); got != id64 {
		t.Errorf("second look-up of the cgroup gave %q, want the remembered id", got)
	}
	if got := c.Container(0, path); got != id64 {
		t.Errorf("without a cgroup id the path gave %q", got)
	}
	if got := c.Container(0, nil); got != "" {
		t.Errorf("cgroup id 0 was remembered as %q", got)
	}
}

func TestContainersIsBounded(t *testing.T) {
	c := NewContainers()
	path := []byte("/docker/" + id64)
	for i := range uint64(10 * cacheSize) {
		c.Container(i+1, path)
		c.Container(1, nil) // stays in use
	}
	if n := len(c.cgroups.young) + len(c.cgroups.old); n > cacheSize {
		t.Errorf("%d cgroups are remembered, more than %d", n, cacheSize)
	}
	if got := c.Container(1, nil); got != id64 {
		t.Errorf("a cgroup in use was forgotten")
	}
	if got := c.Container(2, nil); got != "" {
		t.Errorf("a cgroup not in use is remembered as %q", got)
	}
}

func TestContainersAllocatesNothingForKnownCgroups(t *testing.T) {
	c := NewContainers()
	path := []byte("/docker/" + id64)
	c.Container(7, path)
	if n := testing.AllocsPerRun(100, func() { Docker(c.Container(7, path)) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
