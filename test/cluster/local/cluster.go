// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Cluster is a running cluster. There is one on a machine at most.
type Cluster struct {
	dir     dir
	bin     string
	nodes   int
	control control
}

// ErrRuns is returned where a cluster is to be started while one runs.
var ErrRuns = errors.New("a cluster runs on this machine already, or was not stopped")

// Config says what to start.
type Config struct {
	// Dir is the directory for state and logs. It is emptied at the start.
	Dir string
	// Bin is the directory with the programs, as [Build] makes it.
	Bin string
	// Nodes is how many nodes there are, up to 99.
	Nodes int
	// Images are archives that every node gets, the pods' sandbox among them.
	Images []string
}

// Start starts a cluster and waits until its nodes are ready. A cluster that does not start is stopped again.
// It outlives the calling process; [Stop] ends it.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if _, err := os.Stat(netnsPath(controlName)); err == nil {
		return nil, fmt.Errorf("network namespace %s: %w", controlName, ErrRuns)
	}
	if err := os.RemoveAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("directory of the cluster: %w", err)
	}
	c := Open(cfg)
	if err := c.start(ctx, cfg.Images); err != nil {
		return nil, errors.Join(err, Stop())
	}
	return c, nil
}

// Open returns the cluster that was started with that configuration.
func Open(cfg Config) *Cluster {
	d := dir(cfg.Dir)
	return &Cluster{dir: d, bin: cfg.Bin, nodes: cfg.Nodes, control: control{dir: d, bin: cfg.Bin}}
}

func (c *Cluster) start(ctx context.Context, images []string) error {
	for _, step := range []func() error{
		c.dir.make,
		func() error { return makeNetwork(c.nodes) },
		func() error { return makeKeys(c.dir, c.nodes) },
		c.control.makeCgroups, c.control.startStore, c.control.startServer, c.startNodes,
		func() error { return c.awaitServer(ctx) },
		c.control.startControllers,
		func() error { return c.prepare(ctx) },
		func() error { return c.LoadImages(ctx, images...) },
		func() error { return c.AwaitNodes(ctx) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("start of the cluster: %w", err)
		}
	}
	return nil
}

func (c *Cluster) startNodes() error {
	for n := node(1); int(n) <= c.nodes; n++ {
		if err := startNode(c.dir, c.bin, n); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) awaitServer(ctx context.Context) error {
	return await(ctx, "API server", func() error {
		_, err := c.Kubectl(ctx, "get", "--raw", "/readyz")
		return err
	})
}

// prepare makes what a cluster has before anybody uses it.
func (c *Cluster) prepare(ctx context.Context) error {
	err := await(ctx, "default service account", func() error {
		_, err := c.Kubectl(ctx, "get", "serviceaccount", "default")
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.Kubectl(ctx, "create", "clusterrolebinding", "kube-proxy", "--clusterrole=system:node-proxier", "--user=system:kube-proxy")
	return err
}

// AwaitNodes waits until all nodes are ready.
func (c *Cluster) AwaitNodes(ctx context.Context) error {
	return await(ctx, "nodes", func() error {
		out, err := c.Kubectl(ctx, "get", "nodes", "-o",
			`jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`)
		if err == nil && strings.Count(out, "True") != c.nodes {
			err = fmt.Errorf("%d of %d are ready", strings.Count(out, "True"), c.nodes)
		}
		return err
	})
}

// Command is a command that reaches the API server: its network namespace, KUBECONFIG, and a PATH with the
// programs built for the cluster, kubectl and helm among them.
func (c *Cluster) Command(ctx context.Context, argv ...string) *exec.Cmd {
	args := append(inNetns(controlName)[1:], argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.dir.adminConfig(), "PATH="+c.bin+":"+os.Getenv("PATH"))
	return cmd
}

// Kubectl runs kubectl to its end and returns what it printed.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := c.Command(ctx, append([]string{"kubectl"}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// LoadImages gives archives of images to every node that runs.
func (c *Cluster) LoadImages(ctx context.Context, archives ...string) error {
	errs := make([]error, c.nodes)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = c.loadImages(ctx, node(i+1), archives) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) loadImages(ctx context.Context, n node, archives []string) error {
	for _, archive := range archives {
		path, err := filepath.Abs(archive)
		if err != nil {
			return err
		}
		err = await(ctx, "image "+archive, func() error {
			cmd, err := onNode(c.dir, n, filepath.Join(c.bin, "ctr"), "-a", runtimeSocket, "-n", "k8s.io", "images", "import", path)
			if err != nil {
				return err
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", n.name(), err)
		}
	}
	return nil
}

// NodeCommand is a command in all namespaces of a node, by its number from 1.
func (c *Cluster) NodeCommand(number int, argv ...string) (*exec.Cmd, error) {
	return onNode(c.dir, node(number), argv...)
}

// StopNode takes the power off a node.
func (c *Cluster) StopNode(number int) error { return stopNode(c.dir, node(number)) }

// StartNode starts a node that was stopped.
func (c *Cluster) StartNode(number int) error { return startNode(c.dir, c.bin, node(number)) }

// RestartServer stops the API server and starts it again.
func (c *Cluster) RestartServer(ctx context.Context) error {
	if err := c.StopServer(); err != nil {
		return err
	}
	return c.StartServer(ctx)
}

// StopServer stops the API server.
func (c *Cluster) StopServer() error { return c.control.stop("kube-apiserver") }

// StartServer starts the API server after [Cluster.StopServer].
func (c *Cluster) StartServer(ctx context.Context) error {
	if err := c.control.startServer(); err != nil {
		return err
	}
	return c.awaitServer(ctx)
}

// Stop ends everything that [Start] started, also where it was another process that did, and removes its
// namespaces and cgroups. Logs stay.
func Stop() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	ours := map[string]bool{}
	for _, root := range roots {
		for _, pattern := range []string{controlName, "vedette-node[0-9]*"} {
			found, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil {
				return err
			}
			for _, path := range found {
				ours[filepath.Base(path)] = true
			}
		}
	}
	var errs []error
	for path := range ours {
		first := unix.SIGKILL // a node's power is taken off
		if path == controlName {
			first = unix.SIGTERM
		}
		errs = append(errs, endCgroup(path, first))
	}
	errs = append(errs, removeNetwork())
	if err := errors.Join(errs...); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stop of the cluster: %w", err)
	}
	return nil
}
