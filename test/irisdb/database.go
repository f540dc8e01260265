// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// database serves one session.
type database struct {
	work, system string
}

// killed is the exit code that the database's user sees for a command that
// a signal ended.
const killed = -1

// serve runs the commands of in until it ends or says HALT.
func (d *database) serve(in io.Reader, stdout io.Writer) error {
	out := &lineWriter{to: stdout, begins: true}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if verb == "HALT" {
			return nil
		}
		if verb == "" {
			continue
		}
		code, err := d.do(verb, rest, out)
		if err != nil {
			fmt.Fprintln(out, "error:", err)
			code = 1
		}
		if !out.begins {
			fmt.Fprintln(out)
		}
		if _, err := fmt.Fprintf(out, "exit code: %d\n", code); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (d *database) do(verb, rest string, out io.Writer) (int, error) {
	switch verb {
	case "ZF":
		argv := strings.Fields(rest)
		if len(argv) == 0 {
			return 0, errors.New("ZF needs a command")
		}
		return command(out, argv...)
	case "SHELL":
		return command(out, "/bin/bash", "-c", rest)
	case "READKEY":
		return 0, d.readKey(out)
	}
	return 0, fmt.Errorf("unknown command %q", verb)
}

// readKey reads the key in this very process.
func (d *database) readKey(out io.Writer) error {
	key, err := os.ReadFile(filepath.Join(d.system, "iris.key"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "key: %d bytes\n", len(key))
	return err
}

// command runs a command and returns its exit code.
func command(out io.Writer, argv ...string) (int, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		// ExitCode is -1 for a process that a signal ended.
		if code := cmd.ProcessState.ExitCode(); code >= 0 {
			return code, nil
		}
		return killed, nil
	}
	return 0, err
}

// lineWriter knows whether what comes next begins a line.
type lineWriter struct {
	to     io.Writer
	begins bool
}

func (w *lineWriter) Write(p []byte) (int, error) {
	if len(p) > 0 {
		w.begins = p[len(p)-1] == '\n'
	}
	return w.to.Write(p)
}
