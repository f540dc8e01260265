// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

// client reaches an agent as the flags of a command say.
type client struct {
	stderr io.Writer

	debug       bool
	address     string
	timeout     time.Duration
	retries     uint
	maxReceive  int
	tls         tlsFlags
	infoFile    string
	backoffBase time.Duration
}

// The first pause between attempts to reach an agent, and the longest one.
const (
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// defaultMaxReceive is the size in bytes of the largest message that is accepted.
const defaultMaxReceive = 10 << 20

// addFlags defines the flags that say how to reach the agent.
func (c *client) addFlags(flags *pflag.FlagSet) {
	flags.BoolVarP(&c.debug, "debug", "d", false, "tell on standard error how the agent is reached")
	flags.StringVar(&c.address, "server-address", "",
		"`address` of the agent: unix:///path or host:port (default: from the agent's info file, else "+defaultAddress+")")
	flags.DurationVar(&c.timeout, "timeout", 30*time.Second, "how long to wait for the agent's answer, e.g. 5s")
	flags.UintVar(&c.retries, "retries", 1, "how often to try again, with growing pauses, when the agent cannot be reached")
	flags.IntVar(&c.maxReceive, "max-recv-size", defaultMaxReceive, "largest message to accept, in `bytes`")
	c.tls.addFlags(flags)
}

// debugf tells what the client does, with --debug.
func (c *client) debugf(format string, args ...any) {
	if c.debug {
		errorf(c.stderr, "debug: "+format, args...)
	}
}

// call makes one call to the agent, again where it cannot be reached, within the time of --timeout.
func (c *client) call(ctx context.Context, do func(context.Context, *connection) error) error {
	if c.timeout <= 0 {
		return fmt.Errorf("--timeout must be greater than 0")
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	return c.retry(ctx, conn, func() error { return do(ctx, conn) })
}

// retry calls do until it succeeds, fails for another reason than an agent that cannot be reached, or
// has been tried often enough.
func (c *client) retry(ctx context.Context, conn *connection, do func() error) error {
	pause := firstBackoff
	if c.backoffBase > 0 {
		pause = c.backoffBase
	}
	for attempt := uint(0); ; attempt++ {
		err := do()
		if status.Code(err) != codes.Unavailable || attempt >= c.retries {
			return conn.explain(ctx, err)
		}
		c.debugf("%s cannot be reached, next attempt in %s: %v", conn.address, pause, conn.explain(ctx, err))
		select {
		case <-ctx.Done():
			return conn.explain(ctx, err)
		case <-time.After(pause):
		}
		pause = min(2*pause, maxBackoff)
		conn.ResetConnectBackoff()
	}
}

// connection is a connection to an agent.
type connection struct {
	*grpc.ClientConn
	tetragon.FineGuidanceSensorsClient
	address string
	dialer  *dialer
}

// connect prepares a connection. Nothing is sent before the first call.
func (c *client) connect() (*connection, error) {
	address, err := c.serverAddress()
	if err != nil {
		return nil, err
	}
	target, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	credentials, err := c.tls.credentials()
	if err != nil {
		return nil, err
	}
	if c.maxReceive <= 0 {
		return nil, fmt.Errorf("--max-recv-size must be greater than 0")
	}
	c.debugf("agent at %s", address)
	d := &dialer{target: target}
	// The dialer knows where to; a path in a target would have to be quoted.
	conn, err := grpc.NewClient("passthrough:///agent",
		grpc.WithTransportCredentials(credentials),
		grpc.WithContextDialer(d.dial),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(c.maxReceive)),
		grpc.WithUserAgent("vedette/"+Version()),
		grpc.WithAuthority(cmp.Or(c.tls.serverName, target.authority())),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &connection{
		ClientConn:                conn,
		FineGuidanceSensorsClient: tetragon.NewFineGuidanceSensorsClient(conn),
		address:                   address,
		dialer:                    d,
	}, nil
}
