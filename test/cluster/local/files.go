// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"os"
	"path/filepath"
)

// HostProc is where a node has the machine's own /proc.
const HostProc = "/run/procRoot"

// Places in a node.
const (
	runtimeSocket = "/run/containerd/containerd.sock"
	runtimeConfig = "/run/containerd/config.toml"
	kubeletConfig = "/run/kubelet.yaml"
	proxyConfig   = "/run/kube-proxy.yaml"
)

// Programs of Debian that containerd runs.
const (
	runcPath = "/usr/sbin/runc"
	cniPath  = "/usr/lib/cni"
)

// pauseImage holds the namespaces of a pod.
const pauseImage = "localhost/pause:vedette"

// runtimeText is containerd's configuration. Processes may not lower their oom_score_adj without
// CAP_SYS_RESOURCE, which a machine of CI may not have.
const runtimeText = `version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
[grpc]
  address = '` + runtimeSocket + `'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '` + pauseImage + `'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['` + cniPath + `']
  conf_dir = '/etc/cni/net.d'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '` + runcPath + `'
  SystemdCgroup = false
`

const networkText = `{"cniVersion": "1.0.0", "name": "vedette", "plugins": [
 {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

// kubeletText takes the node's address, the directory of keys, the node's name and its cgroup.
const kubeletText = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %[1]s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[2]s/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: %[2]s/kubelet-%[3]s.crt
tlsPrivateKeyFile: %[2]s/kubelet-%[3]s.key
containerRuntimeEndpoint: unix://` + runtimeSocket + `
cgroupDriver: cgroupfs
cgroupRoot: /%[4]s
failCgroupV1: false
failSwapOn: false
healthzBindAddress: 127.0.0.1
staticPodPath: /etc/kubernetes/manifests
fileCheckFrequency: 1s
resolvConf: /run/resolv.conf
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, nodefs.inodesFree: 1%%, imagefs.available: 1%%}
shutdownGracePeriod: 0s
`

// proxyText takes the node's address, its name and the file with which it reaches the API server.
const proxyText = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
bindAddress: %s
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
hostnameOverride: %s
clusterCIDR: 10.244.0.0/16
clientConnection: {kubeconfig: %s}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`

// writeFiles writes the configuration of the node's services.
func (b boot) writeFiles() error {
	n := b.Node
	for path, text := range map[string]string{
		runtimeConfig:                        runtimeText,
		"/run/resolv.conf":                   "nameserver 10.96.0.10\n",
		"/etc/cni/net.d/10-vedette.conflist": fmt.Sprintf(networkText, n.pods()),
		kubeletConfig:                        fmt.Sprintf(kubeletText, n.address(), b.Dir.pki(""), n.name(), n.cgroup()),
		proxyConfig:                          fmt.Sprintf(proxyText, n.address(), n.name(), b.Dir.pki("kube-proxy.kubeconfig")),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.MkdirAll("/etc/kubernetes/manifests", 0o755)
}
