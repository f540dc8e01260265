// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// dialTimeout bounds the making of a connection.
	dialTimeout = 5 * time.Second
	// writeTimeout is how long a receiver may take nothing before the connection is given up.
	writeTimeout = 10 * time.Second
	// longestPause is the longest time between two attempts to reach a receiver.
	longestPause = 30 * time.Second
	// chunkSize is about how many bytes are written to a stream at once.
	chunkSize = 64 << 10
	// maxDatagram is the longest message in bytes of a datagram: what UDP over IPv4 can carry.
	maxDatagram = 65_507
)

// framing is how a message ends for its receiver.
type framing uint8

const (
	byNewline framing = iota
	// byCount is a number of bytes, a space and the message (RFC 6587).
	byCount
	byDatagram
)

// remote sends lines to a receiver. All but abort belongs to one goroutine.
type remote struct {
	name     string
	networks []string // the first that the receiver speaks
	address  string
	stream   framing // of connections that are streams

	ctx    context.Context
	cancel context.CancelFunc

	mu   sync.Mutex // guards conn against abort
	conn net.Conn
	// framing is that of conn; framed and ends are the chunk being sent.
	framing framing
	framed  []byte
	ends    []frameEnd
}

// frameEnd is where a message ends, in what is sent and in the lines that it is made of.
type frameEnd struct{ framed, line int }

// openRemote returns a writer that sends its lines. That nobody listens is no error: it is tried again and
// again, after 1 s at first and 30 s in the end.
func openRemote(cfg Config, d Destination, now func() time.Time, tick time.Duration) (*Writer, error) {
	cfg.Params = DefaultParams
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	r := &remote{name: "export to " + d.String(), networks: []string{d.network}, address: d.address}
	if d.Syslog {
		r.stream = byCount
	}
	if d.network == "unix" {
		r.networks = []string{"unixgram", "unix"}
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	w := newWriter(cfg, r, now, tick)
	w.longest = longestPause
	if d.network != "tcp" {
		w.buffer.longest = maxDatagram
	}
	go w.run()
	return w, nil
}

func (r *remote) what() string             { return r.name }
func (r *remote) keep(time.Duration) error { return nil }

func (r *remote) writeLines(lines []byte, _ int64) (int, error) {
	written := 0
	for written < len(lines) {
		if err := r.connect(); err != nil {
			return written, err
		}
		n, err := r.send(r.chunk(lines[written:]))
		written += n
		if err != nil {
			r.disconnect()
			return written, fmt.Errorf("send: %w", err)
		}
	}
	return written, nil
}

// chunk returns the lines to send at once: at least one.
func (r *remote) chunk(lines []byte) []byte {
	if r.framing == byDatagram || len(lines) > chunkSize {
		first := bytes.IndexByte(lines, '\n') + 1
		if r.framing == byDatagram || first > chunkSize {
			return lines[:first]
		}
		return lines[:bytes.LastIndexByte(lines[:chunkSize], '\n')+1]
	}
	return lines
}

// connect makes a connection unless there is one whose other end is there.
func (r *remote) connect() error {
	if r.conn != nil {
		if r.framing == byDatagram || !hungUp(r.conn) {
			return nil
		}
		r.disconnect()
	}
	var err error
	for _, network := range r.networks {
		var conn net.Conn
		dialer := net.Dialer{Timeout: dialTimeout}
		if conn, err = dialer.DialContext(r.ctx, network, r.address); err == nil {
			r.framing = r.stream
			if network == "udp" || network == "unixgram" {
				r.framing = byDatagram
			}
			r.set(conn)
			return nil
		}
		if !errors.Is(err, unix.EPROTOTYPE) { // else it is the other kind of socket
			break
		}
	}
	return err
}

// hungUp reports whether the other end has closed the connection: what is written then is lost without an error.
func hungUp(conn net.Conn) bool {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	var one [1]byte
	err = raw.Control(func(fd uintptr) {
		n, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = err == nil && n == 0 || err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	return gone || err != nil
}

// send writes a chunk and returns how many bytes of its lines were sent whole.
func (r *remote) send(lines []byte) (int, error) {
	if err := r.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	if r.ctx.Err() != nil { // abort may have come before the deadline was set
		return 0, r.ctx.Err()
	}
	switch r.framing {
	case byDatagram:
		if _, err := r.conn.Write(lines[:len(lines)-1]); err != nil {
			return 0, err
		}
		return len(lines), nil
	case byNewline:
		n, err := r.conn.Write(lines)
		return bytes.LastIndexByte(lines[:n], '\n') + 1, err
	}
	return r.sendCounted(lines)
}

func (r *remote) sendCounted(lines []byte) (int, error) {
	r.framed, r.ends = r.framed[:0], r.ends[:0]
	for at := 0; at < len(lines); {
		length := bytes.IndexByte(lines[at:], '\n')
		r.framed = append(strconv.AppendInt(r.framed, int64(length), 10), ' ')
		r.framed = append(r.framed, lines[at:at+length]...)
		at += length + 1
		r.ends = append(r.ends, frameEnd{framed: len(r.framed), line: at})
	}
	n, err := r.conn.Write(r.framed)
	sent := 0
	for _, end := range r.ends {
		if end.framed > n {
			break
		}
		sent = end.line
	}
	if err == nil && n < len(r.framed) {
		err = io.ErrShortWrite
	}
	return sent, err
}

func (r *remote) set(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = conn
}

func (r *remote) disconnect() {
	if r.conn != nil {
		// What an error of close could tell, write has told.
		_ = r.conn.Close()
		r.set(nil)
	}
}

func (r *remote) abort() bool {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		_ = r.conn.SetDeadline(time.Unix(1, 0)) // it fails only where the connection is closed
	}
	return true
}

func (r *remote) close() {
	r.cancel()
	r.disconnect()
}
