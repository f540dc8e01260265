// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vedette-io/vedette/internal/vmtest"
	"github.com/vedette-io/vedette/test/lab"
)

// pkg is a package with tests.
type pkg struct {
	ImportPath string
	// Dir is where its tests run.
	Dir          string
	TestGoFiles  []string
	XTestGoFiles []string

	binary string
}

// suite is what every guest gets.
type suite struct {
	packages []pkg
	files    []vmtest.File
	// programs is the directory of the built programs.
	programs string
}

// tools are the programs of this machine that tests run, and watch.
var tools = []string{"bash", "cat", "env", "false", "getent", "head", "nsenter", "sh", "sleep", "touch", "true", "uname", "unshare"}

// data are the directories of the module that tests read.
var data = []string{"examples", "internal/policy/testdata"}

// build compiles the tests and the programs that they run.
func build(ctx context.Context, dir string, patterns []string) (*suite, error) {
	s := &suite{programs: filepath.Join(dir, "programs")}
	if err := s.list(ctx, patterns); err != nil {
		return nil, err
	}
	for i := range s.packages {
		p := &s.packages[i]
		p.binary = filepath.Join(dir, fmt.Sprintf("%d-%s.test", i, filepath.Base(p.ImportPath)))
		if _, err := goTool(ctx, "test", "-c", "-ldflags=-s -w", "-o", p.binary, p.ImportPath); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(s.programs, 0o755); err != nil {
		return nil, err
	}
	if _, err := goTool(ctx, append([]string{"build", "-ldflags=-s -w", "-o", s.programs + "/"}, lab.Programs...)...); err != nil {
		return nil, err
	}
	return s, s.gather(ctx)
}

// list finds the packages that have tests.
func (s *suite) list(ctx context.Context, patterns []string) error {
	out, err := goTool(ctx, append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles"}, patterns...)...)
	if err != nil {
		return err
	}
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			s.packages = append(s.packages, p)
		}
	}
	if len(s.packages) == 0 {
		return fmt.Errorf("no tests in %s", strings.Join(patterns, " "))
	}
	return nil
}

// gather finds the files of every guest.
func (s *suite) gather(ctx context.Context) error {
	for _, name := range tools {
		path, err := exec.LookPath(name)
		if err != nil {
			return fmt.Errorf("tests run %s: %w", name, err)
		}
		s.files = append(s.files, vmtest.File{Host: path})
	}
	root, err := goTool(ctx, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	for _, dir := range data {
		s.files = append(s.files, vmtest.File{Host: filepath.Join(strings.TrimSpace(root), dir)})
	}
	// getent looks names up in these.
	s.files = append(s.files, vmtest.File{Host: s.programs}, vmtest.File{Host: "/etc/hosts"}, vmtest.File{Host: "/etc/nsswitch.conf"})
	return nil
}

// goTool runs go for static programs, and returns what it prints.
func goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}
