// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DefaultInfoFile is the agent's info file.
const DefaultInfoFile = DefaultDir + "/vedette-info.json"

// maxInfo is more than any info file has, in bytes.
const maxInfo = 64 << 10

// Info is what clients want to know about the running agent.
type Info struct {
	PID int `json:"pid"`
	// ServerAddress is the address of its gRPC server: "host:port" or "unix:///path".
	ServerAddress string `json:"server_address"`
}

// Write replaces the info file at path, in one step so that no client reads half of it. It is readable by
// everyone: it holds no secret.
func (i Info) Write(path string) error {
	text, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("write info file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write info file: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one that matters
		return fmt.Errorf("write info file: %w", err)
	}
	return nil
}

// ReadInfo reads the info file at path. The error wraps [fs.ErrNotExist] when no agent has written one.
func ReadInfo(path string) (Info, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return Info{}, fmt.Errorf("read info file: %w", err)
	}
	if !stat.Mode().IsRegular() || stat.Size() > maxInfo {
		return Info{}, fmt.Errorf("read info file: %s: not an info file", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Info{}, fmt.Errorf("read info file: %w", err)
	}
	var i Info
	if err := json.Unmarshal(text, &i); err != nil {
		return Info{}, fmt.Errorf("read info file: %s: %w", path, err)
	}
	return i, nil
}

// RemoveInfo removes the info file at path if there is one.
func RemoveInfo(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove info file: %w", err)
	}
	return nil
}
