// SPDX-License-Identifier: Apache-2.0

// Command table runs "vedette probe" on several kernels, in guests, and writes what each offers into the
// table of a page, between two marks.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/vedette-io/vedette/internal/vmtest"
	"github.com/vedette-io/vedette/internal/vmtest/pid1"
)

// probeTimeout is how long a guest may take.
const probeTimeout = 3 * time.Minute

func main() {
	pid1.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kernels := flag.String("k", "", "the `kernels`, separated by spaces")
	vedette := flag.String("probe", "bin/vedette", "the `program` vedette")
	here := flag.String("here", "", "add a column with this `name` for the running kernel; needs root")
	flag.Parse()
	if err := run(ctx, strings.Fields(*kernels), *vedette, *here, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kernels []string, vedette, here string, pages []string) error {
	if len(pages) != 1 || len(kernels) == 0 {
		return errors.New("the kernels (-k) and one page must be named")
	}
	var columns []column
	for _, name := range kernels {
		c, err := inGuest(ctx, name, vedette)
		if err != nil {
			return fmt.Errorf("kernel %s: %w", name, err)
		}
		columns = append(columns, c)
	}
	if here != "" {
		out, err := exec.CommandContext(ctx, vedette, probe...).Output()
		if err != nil {
			return fmt.Errorf("probe here: %w", err)
		}
		c, err := readColumn(out)
		if err != nil {
			return err
		}
		c.title = here
		columns = append(columns, c)
	}
	page, err := os.ReadFile(pages[0])
	if err != nil {
		return err
	}
	if page, err = replace(page, render(columns)); err != nil {
		return fmt.Errorf("%s: %w", pages[0], err)
	}
	return os.WriteFile(pages[0], page, 0o644)
}

// probe are the arguments of vedette.
var probe = []string{"probe", "-o", "json"}

// inGuest asks a kernel what it offers.
func inGuest(ctx context.Context, name, vedette string) (column, error) {
	kernel, err := vmtest.Find(name)
	if err != nil {
		return column{}, err
	}
	var out, complaint bytes.Buffer
	guest := vmtest.Guest{Kernel: kernel, Timeout: probeTimeout, Stdout: &out, Stderr: &complaint}
	result, err := guest.Run(ctx, append([]string{vedette}, probe...)...)
	if err != nil {
		return column{}, err
	}
	if result.ExitCode != 0 {
		return column{}, fmt.Errorf("probe ended with %d: %s", result.ExitCode, complaint.String())
	}
	return readColumn(out.Bytes())
}

// column is what one kernel offers.
type column struct {
	title    string
	features []feature
}

type feature struct {
	Name    string
	Offered bool
	Since   string
}

// readColumn reads the output of the probe. The column is named after the kernel's series.
func readColumn(text []byte) (column, error) {
	var told struct {
		Kernel   string
		Features []feature
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return column{}, fmt.Errorf("output of the probe: %w", err)
	}
	series := strings.SplitN(told.Kernel, ".", 3)
	if len(series) < 3 || len(told.Features) == 0 {
		return column{}, fmt.Errorf("output of the probe: kernel %q with %d features", told.Kernel, len(told.Features))
	}
	return column{series[0] + "." + series[1], told.Features}, nil
}
