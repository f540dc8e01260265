// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// socketPerm lets root and the socket's group in.
	socketPerm = 0o660
	// maxSocketPath is the longest path of a unix socket, sun_path of struct sockaddr_un without its NUL.
	maxSocketPath = 107
	// probeTimeout is how long a socket that is there already may take to answer.
	probeTimeout = time.Second
	unixScheme   = "unix://"
)

// InUseError says that somebody else serves the address.
type InUseError struct{ Path string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another instance of the agent is listening on %s", e.Path)
}

// address is what --server-address can say.
type address struct {
	socket string // path of a unix socket, or
	tcp    string // host:port
}

func parseAddress(text string) (address, error) {
	if path, isUnix := strings.CutPrefix(text, unixScheme); isUnix {
		if !filepath.IsAbs(path) {
			return address{}, fmt.Errorf("server address %q: an absolute path must follow %s", text, unixScheme)
		}
		return address{socket: filepath.Clean(path)}, nil
	}
	if strings.HasPrefix(text, "unix:") || strings.HasPrefix(text, "/") {
		return address{}, fmt.Errorf("server address %q: a socket is written %s/path", text, unixScheme)
	}
	if _, port, err := net.SplitHostPort(text); err != nil || port == "" {
		return address{}, fmt.Errorf("server address %q: neither host:port nor %s/path", text, unixScheme)
	}
	return address{tcp: text}, nil
}

func listenTCP(ctx context.Context, hostPort string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", hostPort)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", hostPort, err)
	}
	return l, nil
}

// listenUnix binds a socket at path and replaces one that nobody listens on any more.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("listen on %s: %d bytes: the path of a socket has at most %d", path, len(path), maxSocketPath)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	l, err := bindRestricted(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	// The umask may have taken bits away.
	if err := os.Chmod(path, socketPerm); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), l.Close())
	}
	return l, nil
}

// bindRestricted makes a socket that at no time allows more than socketPerm.
func bindRestricted(ctx context.Context, path string) (net.Listener, error) {
	c := net.ListenConfig{Control: restrict}
	return c.Listen(ctx, "unix", path)
}

// restrict sets the mode of a socket before it has a name: the kernel's unix_bind gives the file the mode
// of the socket's inode, less the umask.
func restrict(_, _ string, conn syscall.RawConn) error {
	var err error
	if controlErr := conn.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), socketPerm) }); controlErr != nil {
		return controlErr
	}
	return err
}

func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen on %s: there is a file of that name that is not a socket", path)
	}
	dialer := net.Dialer{Timeout: probeTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return errors.Join(&InUseError{path}, conn.Close())
	case errors.Is(err, unix.ECONNREFUSED):
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove the socket of an earlier instance: %w", err)
		}
		return nil
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, os.ErrDeadlineExceeded): // its backlog is full
		return &InUseError{path}
	}
	return fmt.Errorf("listen on %s: probe the socket that is there: %w", path, err)
}
