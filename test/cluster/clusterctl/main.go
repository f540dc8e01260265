// SPDX-License-Identifier: Apache-2.0

// Clusterctl starts and stops the cluster of package local by hand:
//
//	clusterctl up [IMAGE.tar...]     start it, and give its nodes these images
//	clusterctl load IMAGE.tar...     give its nodes more images
//	clusterctl run COMMAND...        run a command that reaches it: kubectl, helm, a script
//	clusterctl node N COMMAND...     run a command on a node
//	clusterctl stop-node N           take the power off a node
//	clusterctl start-node N          start it again
//	clusterctl down                  stop the cluster
//
// It needs root. -bin is the directory that build.sh prints; -nodes is the same in every call.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/vedette-io/vedette/test/cluster/local"
)

func main() {
	local.Boot()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "clusterctl:", err)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: clusterctl [-bin DIR] [-dir DIR] [-nodes N] up|load|run|node|stop-node|start-node|down [ARG...]")

func run() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	cfg := local.Config{}
	flag.StringVar(&cfg.Bin, "bin", "", "`directory` with the programs, as build.sh prints it")
	flag.StringVar(&cfg.Dir, "dir", filepath.Join(cache, "vedette", "cluster", "run"), "`directory` for state and logs")
	flag.IntVar(&cfg.Nodes, "nodes", 3, "how many nodes there are")
	flag.Parse()
	if flag.NArg() == 0 {
		return errUsage
	}
	verb, args := flag.Arg(0), flag.Args()[1:]
	switch verb {
	case "up":
		return up(cfg, args)
	case "down":
		return local.Stop()
	}
	return use(local.Open(cfg), verb, args)
}

func up(cfg local.Config, images []string) error {
	began := time.Now()
	cfg.Images = images
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if _, err := local.Start(ctx, cfg); err != nil {
		return err
	}
	fmt.Printf("%d nodes are ready after %.1f s\n", cfg.Nodes, time.Since(began).Seconds())
	return nil
}

// use does something with a cluster that runs.
func use(c *local.Cluster, verb string, args []string) error {
	switch {
	case verb == "load":
		return c.LoadImages(context.Background(), args...)
	case verb == "run" && len(args) > 0:
		return attach(c.Command(context.Background(), args...), nil)
	case len(args) == 0:
		return errUsage
	}
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return errUsage
	}
	switch {
	case verb == "stop-node":
		return c.StopNode(number)
	case verb == "start-node":
		return c.StartNode(number)
	case verb == "node" && len(args) > 1:
		return attach(c.NodeCommand(number, args[1:]...))
	}
	return errUsage
}

// attach runs a command with this program's input and output.
func attach(cmd *exec.Cmd, err error) error {
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
