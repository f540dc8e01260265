// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/agent"
	"github.com/vedette-io/vedette/internal/cli"
	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/export"
	"github.com/vedette-io/vedette/internal/expression"
	"github.com/vedette-io/vedette/internal/policy"
	"github.com/vedette-io/vedette/internal/process"
	"github.com/vedette-io/vedette/internal/stream"
	"github.com/vedette-io/vedette/internal/vmtest"
)

// errStarted is what starting anything ends with: the tests only parse.
var errStarted = errors.New("started")

// runCLI runs the command line, with nothing behind it.
func runCLI(tb testing.TB, args []string) (status int, stdout, stderr string) {
	tb.Helper()
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		tb.Fatal(err)
	}
	defer stdin.Close()
	var out, errOut bytes.Buffer
	program := cli.Program{
		Stdin: stdin, Stdout: &out, Stderr: &errOut,
		RunAgent: func(context.Context, agent.Config, *slog.Logger) error { return errStarted },
		RunCommand: func(context.Context, agent.Config, agent.Command, func(*event.Event)) (agent.CommandResult, error) {
			return agent.CommandResult{}, errStarted
		},
		RunGuest: func(context.Context, vmtest.Guest, ...string) (vmtest.Result, error) {
			return vmtest.Result{}, errStarted
		},
	}
	status = program.Run(tb.Context(), args)
	return status, out.String(), errOut.String()
}

// checkCommand returns what is wrong with a command line of vedette. Its flags are parsed; then --help
// ends the command before it does anything.
func checkCommand(tb testing.TB, args []string) error {
	tb.Helper()
	before, after := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 {
		before, after = args[:i], args[i:]
	}
	status, help, message := runCLI(tb, slices.Concat(before, []string{"--help"}, after))
	if status != 0 {
		return errors.New(strings.TrimSpace(message))
	}
	// Help on a group of commands hides a wrong word after it. Without --help a group does nothing but
	// print its help, or say what is wrong.
	if strings.Contains(help, "[command]") {
		if status, _, message := runCLI(tb, args); status != 0 {
			return errors.New(strings.TrimSpace(message))
		}
	}
	return nil
}

// TestCommands checks that every command line of vedette in a console block is understood.
func TestCommands(t *testing.T) {
	checked := 0
	for _, p := range mustPages(t) {
		for _, b := range p.blocks {
			if b.language != "console" {
				continue
			}
			for number, line := range b.lines {
				text, isCommand := strings.CutPrefix(line, "$ ")
				if !isCommand {
					continue
				}
				commands, err := vedetteCommands(text)
				if err != nil {
					t.Errorf("%s:%d: %v", p.name, number, err)
				}
				for _, args := range commands {
					checked++
					if err := checkCommand(t, args); err != nil {
						t.Errorf("%s:%d: %s: %v", p.name, number, line, err)
					}
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d commands were found", checked)
	}
}

// TestCheckCommand checks that wrong command lines are found.
func TestCheckCommand(t *testing.T) {
	for _, good := range []string{"run -p x -- ls --frob", "tp list -o wide", "tracingpolicy", "agent --rb-size 1M", "tp generate all-syscalls"} {
		if err := checkCommand(t, strings.Fields(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"run --frob -- ls", "tp lst", "frob", "tp list -o wyde", "agent --rb-size much", "tp generate frob"} {
		if err := checkCommand(t, strings.Fields(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// TestPolicies checks that every policy in a YAML block is one that this version executes.
func TestPolicies(t *testing.T) {
	checked := 0
	for _, p := range mustPages(t) {
		for _, b := range p.blocks {
			if b.language != "yaml" || !strings.Contains(b.text, "kind: TracingPolicy") {
				continue
			}
			checked++
			at := p.name + ":" + strconv.Itoa(b.line)
			policies, diagnostics := policy.Parse(at, []byte(b.text))
			for _, d := range diagnostics {
				if d.Severity == policy.SeverityError {
					t.Errorf("%s:%d: %s", p.name, b.line+d.Pos.Line-1, d.Text())
				}
			}
			var in compile.Input
			for _, one := range policies {
				in.Policies = append(in.Policies, compile.InputPolicy{Policy: one})
			}
			if _, err := compile.Compile(in); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
	}
	if checked == 0 {
		t.Error("no policy was found")
	}
}

var flagName = regexp.MustCompile(`--[a-z0-9]+(-[a-z0-9]+)*`)

// TestAgentFlags checks that the page on the agent has every flag of it, and no other.
func TestAgentFlags(t *testing.T) {
	_, help, _ := runCLI(t, []string{"agent", "--help"})
	_, listed, found := strings.Cut(help, "\nFlags:\n")
	if !found {
		t.Fatalf("the help lists no flags:\n%s", help)
	}
	flags := map[string]bool{}
	for line := range strings.Lines(listed) {
		if name := flagName.FindString(line); name != "--help" && name != "" {
			flags[name] = true
		}
	}
	text := mustPage(t, "agent.md").text
	mentioned := map[string]bool{}
	for _, name := range flagName.FindAllString(text, -1) {
		mentioned[name] = true
		if !flags[name] {
			t.Errorf("agent.md names %s, which is no flag of the agent", name)
		}
	}
	for name := range flags {
		if !mentioned[name] {
			t.Errorf("agent.md does not name %s", name)
		}
	}
}

// limits are the constants that the page on limits names.
var limits = map[string]int{
	"policy.MaxSize":               policy.MaxSize,
	"policy.MaxActions":            policy.MaxActions,
	"policy.MaxValueLength":        policy.MaxValueLength,
	"policy.MaxTags":               policy.MaxTags,
	"policy.MaxTagLength":          policy.MaxTagLength,
	"policy.MaxMessageLength":      policy.MaxMessageLength,
	"policy.MaxLists":              policy.MaxLists,
	"policy.MaxMacros":             policy.MaxMacros,
	"compile.MaxRules":             compile.MaxRules,
	"compile.MaxWords":             compile.MaxWords,
	"compile.MaxArgs":              compile.MaxArgs,
	"compile.MaxSlots":             compile.MaxSlots,
	"compile.MaxDims":              compile.MaxDims,
	"compile.MaxReturnDims":        compile.MaxReturnDims,
	"compile.MaxMasks":             compile.MaxMasks,
	"compile.MaxSets":              compile.MaxSets,
	"compile.MaxFollow":            compile.MaxFollow,
	"compile.MaxFDOps":             compile.MaxFDOps,
	"compile.MaxSetActions":        compile.MaxSetActions,
	"compile.MaxOverrides":         compile.MaxOverrides,
	"compile.MaxPostfix":           compile.MaxPostfix,
	"compile.MaxAutomata":          compile.MaxAutomata,
	"compile.MaxTable":             compile.MaxTable,
	"expression.MaxLength":         expression.MaxLength,
	"expression.MaxNodes":          expression.MaxNodes,
	"expression.MaxDepth":          expression.MaxDepth,
	"compile.MaxString":            compile.MaxString,
	"process.MaxAncestors":         process.MaxAncestors,
	"process.DefaultCapacity":      process.DefaultCapacity,
	"stream.DefaultQueue":          stream.DefaultQueue,
	"stream.DefaultQueueBytes":     stream.DefaultQueueBytes,
	"stream.DefaultMaxSubscribers": stream.DefaultMaxSubscribers,
	"export.DefaultBuffer":         export.DefaultBuffer,
	"export.MaxExports":            export.MaxExports,
}

// limitRow is a row of the page on limits: what, the number, the constant.
var limitRow = regexp.MustCompile("(?m)^\\| .* \\| ([0-9,]+)[^|]* \\| `([a-zA-Z.]+)` \\|$")

// TestLimits checks that the page on limits has the numbers of the code.
func TestLimits(t *testing.T) {
	rows := map[string]string{}
	for _, m := range limitRow.FindAllStringSubmatch(mustPage(t, "limits.md").text, -1) {
		rows[m[2]] = strings.ReplaceAll(m[1], ",", "")
	}
	for name, value := range limits {
		if rows[name] != strconv.Itoa(value) {
			t.Errorf("limits.md says %q of %s, which is %d", rows[name], name, value)
		}
	}
	for name := range rows {
		if _, known := limits[name]; !known {
			t.Errorf("limits.md names %s, which the test does not know", name)
		}
	}
}
