// SPDX-License-Identifier: Apache-2.0

package request

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Kind says what a request is; the numbers are those of compile.RequestKind.
type Kind uint8

// The kinds of requests.
const (
	// GetURL fetches a page by HTTP or HTTPS. Redirections are not followed.
	GetURL Kind = 1
	// LookUpName asks for the addresses of a name.
	LookUpName Kind = 2
)

// What requests may take.
const (
	// maxWaiting is how many requests wait at most.
	maxWaiting = 256
	// perSecond is how many requests are made each second at most, burst how
	// many at once.
	perSecond, burst = 20, 40
	// workers is how many requests are made at the same time.
	workers = 4
	// patience is how long one request may take.
	patience = 5 * time.Second
	// maxBody is how much of a page is read, in bytes.
	maxBody = 64 << 10
	// told is how often the log tells of requests that were not made or failed.
	told = 30 * time.Second
)

// Options are what a [Requester] is made with.
type Options struct {
	// Hosts are whom it may ask: names, *.names, addresses and networks.
	Hosts []string
	// Resolver looks names up; nil is the one that the system is configured
	// for.
	Resolver *net.Resolver
	Log      *slog.Logger
}

// Stats counts what came of requests.
type Stats struct {
	// Done were answered, Failed were not. Dropped were not made because too
	// many waited or the rate was exceeded; Refused because the host may not
	// be asked.
	Done, Failed, Dropped, Refused uint64
}

// Requester makes requests.
type Requester struct {
	hosts    *hosts
	log      *slog.Logger
	client   *http.Client
	resolver *net.Resolver
	stop     context.CancelFunc
	done     sync.WaitGroup
	queue    chan wanted
	bucket   bucket

	answered, failed, dropped, refused atomic.Uint64
	lastTold                           atomic.Int64
}

type wanted struct {
	kind   Kind
	target string
}

// New starts a requester. It does nothing before it is asked to.
func New(opts Options) (*Requester, error) {
	allowed, err := parseHosts(opts.Hosts)
	if err != nil {
		return nil, fmt.Errorf("hosts of actions: %w", err)
	}
	r := &Requester{hosts: allowed, log: opts.Log, resolver: opts.Resolver, queue: make(chan wanted, maxWaiting)}
	if r.resolver == nil {
		r.resolver = &net.Resolver{PreferGo: true}
	}
	dialer := &net.Dialer{Timeout: patience, Resolver: r.resolver}
	r.client = &http.Client{
		Timeout: patience,
		// The hosts are what the agent was told, not what its environment says.
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSHandshakeTimeout: patience,
			MaxIdleConns: workers, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.bucket.left, r.bucket.filled = burst, time.Now()
	for range workers {
		r.done.Go(func() { r.work(ctx) })
	}
	return r, nil
}

// Close gives up what is under way and what waits.
func (r *Requester) Close() {
	r.stop()
	r.done.Wait()
	r.client.CloseIdleConnections()
}

// Check returns why a host, a name or an address, may not be asked; nil if it
// may.
func (r *Requester) Check(host string) error {
	if r.hosts.allow(host) {
		return nil
	}
	return fmt.Errorf("the agent may not ask the host %q: it was not started with --action-hosts=%s", host, host)
}

// Stats returns what came of requests so far.
func (r *Requester) Stats() Stats {
	return Stats{Done: r.answered.Load(), Failed: r.failed.Load(), Dropped: r.dropped.Load(), Refused: r.refused.Load()}
}

// Take takes a request. It does not wait.
func (r *Requester) Take(kind Kind, target string) {
	if !r.bucket.take() {
		r.count(&r.dropped, target, errTooMany)
		return
	}
	select {
	case r.queue <- wanted{kind, target}:
	default:
		r.count(&r.dropped, target, errTooMany)
	}
}

var errTooMany = errors.New("too many requests")

// count counts a request that was not answered, and tells of it now and then.
func (r *Requester) count(n *atomic.Uint64, target string, err error) {
	n.Add(1)
	last, now := r.lastTold.Load(), time.Now().UnixNano()
	if now-last < int64(told) || !r.lastTold.CompareAndSwap(last, now) {
		return
	}
	s := r.Stats()
	r.log.Warn("requests of actions were not answered", "last", target, "error", err,
		"done", s.Done, "failed", s.Failed, "dropped", s.Dropped, "refused", s.Refused)
}

func (r *Requester) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-r.queue:
			r.make(ctx, w)
		}
	}
}

// make makes one request.
func (r *Requester) make(ctx context.Context, w wanted) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	host := w.target
	if w.kind == GetURL {
		u, err := url.Parse(w.target)
		if err != nil {
			r.count(&r.failed, w.target, err)
			return
		}
		host = u.Hostname()
	}
	// Checked when the policy was loaded, too.
	if err := r.Check(host); err != nil {
		r.count(&r.refused, w.target, err)
		return
	}
	ask := r.lookUp
	if w.kind == GetURL {
		ask = r.get
	}
	if err := ask(ctx, w.target); err != nil {
		r.count(&r.failed, w.target, err)
		return
	}
	r.answered.Add(1)
}

func (r *Requester) get(ctx context.Context, target string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	q.Header.Set("User-Agent", "vedette")
	answer, err := r.client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody))
	return err
}

// lookUp asks for the addresses of a name as it is: it is not tried in the
// domains that the machine searches.
func (r *Requester) lookUp(ctx context.Context, name string) error {
	_, err := r.resolver.LookupNetIP(ctx, "ip4", canonical(name)+".")
	return err
}

// bucket bounds the rate of requests.
type bucket struct {
	mu     sync.Mutex
	left   float64
	filled time.Time
}

// take reports whether one more may be made now.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.left = min(burst, b.left+now.Sub(b.filled).Seconds()*perSecond)
	b.filled = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
