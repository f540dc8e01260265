// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// control starts the processes of the control plane, in its network namespace and cgroup.
type control struct {
	dir dir
	bin string // directory of the programs
}

// start starts a program of the control plane, which goes on when this process ends. Its output is in a log.
func (c control) start(name string, args ...string) error {
	log, err := os.OpenFile(c.dir.log(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := startIn(controlName, cmd); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if err := joinCgroup(filepath.Join(controlName, name), cmd.Process.Pid); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	// Reaped here while this process lives, by init afterwards.
	go func() { _ = cmd.Wait() }()
	return nil
}

// stop ends a program of the control plane and waits for its end.
func (c control) stop(name string) error {
	path := filepath.Join(controlName, name)
	if err := endCgroup(path, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	return makeCgroup(path)
}

// startStore starts etcd, whose data nobody needs after the cluster's end.
func (c control) startStore() error {
	return c.start("etcd", "--data-dir", c.dir.etcd(), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380",
		"--initial-cluster", "default=http://127.0.0.1:2380")
}

func (c control) startServer() error {
	d := c.dir
	return c.start("kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--bind-address="+controlAddress, "--advertise-address="+controlAddress, "--secure-port=6443",
		"--tls-cert-file="+d.pki("apiserver.crt"), "--tls-private-key-file="+d.pki("apiserver.key"),
		"--client-ca-file="+d.pki("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+d.pki("service-accounts.pub"),
		"--service-account-signing-key-file="+d.pki("service-accounts.key"),
		"--service-cluster-ip-range="+serviceRange,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--kubelet-client-certificate="+d.pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key="+d.pki("apiserver-kubelet-client.key"),
		"--kubelet-certificate-authority="+d.pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file="+d.pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+d.pki("front-proxy-client.crt"),
		"--proxy-client-key-file="+d.pki("front-proxy-client.key"), "--profiling=false")
}

// startControllers starts what needs the API server to be ready: the controller manager ends where the
// server's own roles are not made yet.
func (c control) startControllers() error {
	err := c.start("kube-controller-manager", c.clientOf("controller-manager",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+c.dir.pki("service-accounts.key"), "--root-ca-file="+c.dir.pki("ca.crt"),
		"--cluster-signing-cert-file="+c.dir.pki("ca.crt"), "--cluster-signing-key-file="+c.dir.pki("ca.key"),
		"--node-monitor-period=2s", "--node-monitor-grace-period=20s")...)
	if err != nil {
		return err
	}
	return c.start("kube-scheduler", c.clientOf("scheduler")...)
}

// clientOf is how a controller reaches the API server.
func (c control) clientOf(name string, more ...string) []string {
	file := c.dir.pki(name + ".kubeconfig")
	return append([]string{
		"--kubeconfig=" + file, "--authentication-kubeconfig=" + file, "--authorization-kubeconfig=" + file,
		"--bind-address=127.0.0.1", "--leader-elect=false",
	}, more...)
}

// makeCgroups makes a cgroup for each program, which is how it is found again to be stopped.
func (c control) makeCgroups() error {
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		if err := makeCgroup(filepath.Join(controlName, name)); err != nil {
			return err
		}
	}
	return nil
}

// await tries until there is no error, at most until the context ends. The error is the last one.
func await(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
