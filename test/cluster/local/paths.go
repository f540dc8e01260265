// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"os"
	"path/filepath"
)

// dir is a directory with everything about one cluster: state, logs, keys.
type dir string

func (d dir) pki(name string) string { return filepath.Join(string(d), "pki", name) }
func (d dir) log(name string) string { return filepath.Join(string(d), "log", name+".log") }
func (d dir) etcd() string           { return filepath.Join(string(d), "etcd") }
func (d dir) adminConfig() string    { return d.pki("admin.kubeconfig") }

// node is the directory that holds what a node keeps on disk.
func (d dir) node(n node) string { return filepath.Join(string(d), n.name()) }

// nodePID is the file with the process id of a node's first process.
func (d dir) nodePID(n node) string { return filepath.Join(string(d), "pid", n.name()) }

// make makes the directories.
func (d dir) make() error {
	for _, sub := range []string{"pki", "log", "pid", "etcd"} {
		if err := os.MkdirAll(filepath.Join(string(d), sub), 0o700); err != nil {
			return fmt.Errorf("directory of the cluster: %w", err)
		}
	}
	return nil
}

// node is the number of a node, from 1.
type node int

func (n node) name() string { return fmt.Sprintf("node%d", int(n)) }

// netns is the name of the node's network namespace.
func (n node) netns() string { return "vedette-" + n.name() }

// cgroup is the node's directory below the root of each hierarchy of cgroups.
func (n node) cgroup() string { return "vedette-" + n.name() }

func (n node) address() string { return fmt.Sprintf("10.250.0.%d", 10+int(n)) }

// pods is the range of the addresses of the node's pods.
func (n node) pods() string { return fmt.Sprintf("10.244.%d.0/24", int(n)) }

// The control plane's place.
const (
	controlName    = "vedette-control"
	controlAddress = "10.250.0.1"
	serverURL      = "https://" + controlAddress + ":6443"
	serviceRange   = "10.96.0.0/16"
	firstService   = "10.96.0.1"
)
