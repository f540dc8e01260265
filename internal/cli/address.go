// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strings"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/instance"
)

// defaultAddress is where an agent is looked for that left no info file.
const defaultAddress = agent.DefaultServerAddress

// serverAddress returns the address of the agent: that of the flag, of the running agent's info file,
// or the default.
func (c *client) serverAddress() (string, error) {
	if c.address != "" {
		return c.address, nil
	}
	info, err := instance.ReadInfo(cmp.Or(c.infoFile, instance.DefaultInfoFile))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return defaultAddress, nil
	case err != nil:
		return "", fmt.Errorf("find the agent: %w; give --server-address", err)
	}
	return cmp.Or(info.ServerAddress, defaultAddress), nil
}

// target is a parsed address.
type target struct {
	network string // "unix" or "tcp"
	host    string // the socket's path, or host:port
}

// authority returns the name of the host in requests.
func (t target) authority() string {
	if t.network == "unix" {
		return "localhost"
	}
	return t.host
}

// parseAddress parses unix:///path, unix:/path, an absolute path or host:port.
func parseAddress(address string) (target, error) {
	path, isUnix := strings.CutPrefix(address, "unix:")
	if isUnix {
		path = strings.TrimPrefix(path, "//")
	} else if filepath.IsAbs(address) {
		path, isUnix = address, true
	}
	if isUnix {
		if path == "" {
			return target{}, fmt.Errorf("server address %q has no path; write unix:///path/to/socket", address)
		}
		return target{"unix", path}, nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return target{}, fmt.Errorf("server address %q is neither unix:///path nor host:port", address)
	}
	return target{"tcp", address}, nil
}
