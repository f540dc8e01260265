// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/kernel"
)

// patience is how long something that must happen may take on a busy machine whose processor may be emulated.
const patience = 90 * time.Second

// rig is the agent under test with a client of it.
type rig struct {
	tetragon.FineGuidanceSensorsClient
	journal *journal
	// veteran is an actor that is older than the agent.
	veteran *process

	dir    string
	stop   context.CancelFunc
	conn   *grpc.ClientConn
	ended  chan error
	reader sync.WaitGroup
	log    lockedBuffer
}

// theRig is started by the first test that needs it, and stopped by TestMain.
var theRig struct {
	sync.Mutex
	*rig
	err error
}

// mustRig returns the agent of all tests.
func mustRig(tb testing.TB) *rig {
	tb.Helper()
	if testing.Short() {
		tb.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		tb.Skip("loading BPF programs needs root")
	}
	theRig.Lock()
	defer theRig.Unlock()
	if theRig.rig == nil && theRig.err == nil {
		theRig.rig, theRig.err = newRig(nil)
	}
	if theRig.err != nil {
		tb.Fatal(theRig.err)
	}
	return theRig.rig
}

// stopRig ends the agent where one runs.
func stopRig() error {
	theRig.Lock()
	defer theRig.Unlock()
	if theRig.rig == nil {
		return nil
	}
	ended := theRig.rig
	theRig.rig = nil
	return ended.close()
}

// newRig starts an agent, which attaches as the names say.
func newRig(attach []string) (*rig, error) {
	if err := kernel.Require(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vedette-behaviour-")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, journal: newJournal(), ended: make(chan error, 1)}
	if r.veteran, err = start(nil); err != nil {
		return nil, err
	}
	cfg := agent.DefaultConfig()
	cfg.RunDir, cfg.PolicyDir = filepath.Join(dir, "run"), ""
	cfg.ServerAddress = "unix://" + cfg.SocketPath()
	cfg.Attach = attach
	cfg.ActionHosts = []string{"127.0.0.0/8"}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() { r.ended <- agent.Run(ctx, cfg, slog.New(slog.NewTextHandler(&r.log, nil))) }()
	if err := r.connect(ctx, cfg); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// connect waits until the agent serves, and reads its events from then on.
func (r *rig) connect(ctx context.Context, cfg agent.Config) error {
	conn, err := grpc.NewClient(cfg.ServerAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	r.conn, r.FineGuidanceSensorsClient = conn, tetragon.NewFineGuidanceSensorsClient(conn)
	for end := time.Now().Add(patience); ; {
		_, err = r.GetVersion(ctx, &tetragon.GetVersionRequest{})
		if err == nil || time.Now().After(end) {
			break
		}
		select {
		case early := <-r.ended:
			r.ended <- early
			return fmt.Errorf("the agent ended: %w\n%s", early, r.log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err != nil {
		return fmt.Errorf("the agent does not serve: %w\n%s", err, r.log.String())
	}
	stream, err := r.GetEvents(ctx, &tetragon.GetEventsRequest{AllowList: ownEvents()})
	if err != nil {
		return err
	}
	// The header says that the subscription exists: nothing after it is missed.
	if _, err := stream.Header(); err != nil {
		return err
	}
	r.reader.Go(func() {
		for {
			e, err := stream.Recv()
			if err != nil {
				r.journal.end(err)
				return
			}
			r.journal.add(e)
		}
	})
	return nil
}

// ownEvents selects the events of this process and its descendants, and what is lost: what else happens on a busy machine
// would make the reader too slow.
func ownEvents() []*tetragon.Filter {
	return []*tetragon.Filter{
		{PidSet: []uint32{uint32(os.Getpid())}},
		{EventSet: []tetragon.EventType{tetragon.EventType_VEDETTE_LOST_EVENTS}},
	}
}

func (r *rig) close() error {
	r.stop()
	var errs []error
	select {
	case err := <-r.ended:
		errs = append(errs, err)
	case <-time.After(patience):
		errs = append(errs, errors.New("the agent does not end"))
	}
	if r.conn != nil {
		errs = append(errs, r.conn.Close())
	}
	r.reader.Wait()
	return errors.Join(append(errs, r.veteran.abandon(), os.RemoveAll(r.dir))...)
}

// mustAdd loads policies, and deletes them when the test ends.
func (r *rig) mustAdd(tb testing.TB, yaml string, names ...string) {
	tb.Helper()
	if err := r.add(tb, yaml, names...); err != nil {
		tb.Fatalf("add policies: %v", err)
	}
}

// add loads policies, and deletes those that could be when the test ends.
func (r *rig) add(tb testing.TB, yaml string, names ...string) error {
	tb.Helper()
	_, err := r.AddTracingPolicy(context.Background(), &tetragon.AddTracingPolicyRequest{Yaml: yaml})
	tb.Cleanup(func() {
		for _, name := range names {
			if _, gone := r.DeleteTracingPolicy(context.Background(), &tetragon.DeleteTracingPolicyRequest{Name: name}); gone != nil && err == nil {
				tb.Error(gone)
			}
		}
	})
	return err
}

// mustPolicy returns the state of a policy.
func (r *rig) mustPolicy(tb testing.TB, name string) *tetragon.TracingPolicyStatus {
	tb.Helper()
	all, err := r.ListTracingPolicies(context.Background(), &tetragon.ListTracingPoliciesRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range all.Policies {
		if p.Name == name {
			return p
		}
	}
	tb.Fatalf("there is no policy %s", name)
	return nil
}

// lockedBuffer takes the agent's log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ io.Writer = (*lockedBuffer)(nil)
