// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vedette-io/vedette/api/tetragon"
)

// agent is a running agent with a run directory of its own.
type agent struct {
	cmd    *exec.Cmd
	dir    string
	conn   *grpc.ClientConn
	client tetragon.FineGuidanceSensorsClient
}

// patience is how long an agent may take for anything, in the guest's time,
// which a starting agent stretches: a second is 10^9 instructions.
const patience = 5 * time.Minute

// startAgent starts an agent and waits until it serves.
func startAgent(vedette string, args ...string) (*agent, error) {
	dir, err := os.MkdirTemp("", "vd")
	if err != nil {
		return nil, err
	}
	a := &agent{dir: dir}
	address := "unix://" + filepath.Join(dir, "s")
	argv := append([]string{"agent", "--run-dir", dir, "--server-address", address, "--tracing-policy-dir", ""}, args...)
	a.cmd = exec.Command(vedette, argv...)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	defer log.Close()
	a.cmd.Stdout, a.cmd.Stderr = log, log
	if err := a.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if a.conn, err = grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return nil, errors.Join(err, a.stop())
	}
	a.client = tetragon.NewFineGuidanceSensorsClient(a.conn)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := a.client.GetVersion(ctx, &tetragon.GetVersionRequest{}, grpc.WaitForReady(true)); err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("the agent does not serve: %w\n%s", err, text), a.stop())
	}
	return a, nil
}

// stop ends the agent.
func (a *agent) stop() error {
	var errs []error
	if a.conn != nil {
		errs = append(errs, a.conn.Close())
	}
	errs = append(errs, a.cmd.Process.Signal(syscall.SIGTERM))
	if err := a.cmd.Wait(); err != nil {
		text, _ := os.ReadFile(filepath.Join(a.dir, "log"))
		errs = append(errs, fmt.Errorf("the agent ended with %w\n%s", err, text))
	}
	return errors.Join(append(errs, os.RemoveAll(a.dir))...)
}

// add loads a policy, and returns how long that took in nanoseconds.
func (a *agent) add(text string) (float64, error) {
	began := time.Now()
	_, err := a.client.AddTracingPolicy(context.Background(), &tetragon.AddTracingPolicyRequest{Yaml: text})
	if err != nil {
		return 0, fmt.Errorf("add policy: %w\n%s", err, text)
	}
	return float64(time.Since(began)), nil
}

// remove takes a policy away.
func (a *agent) remove(name string) error {
	_, err := a.client.DeleteTracingPolicy(context.Background(), &tetragon.DeleteTracingPolicyRequest{Name: name})
	if err != nil {
		return fmt.Errorf("remove policy %s: %w", name, err)
	}
	return nil
}
