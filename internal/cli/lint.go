// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

const lintHelp = `Check policy files without an agent and without a kernel: their syntax, their fields, their values, and whether
this version can execute what they ask for. Every error and warning is shown with its line. FILE is a file, a
directory (its .yaml, .yml and .json files, at any depth) or - for standard input.

The exit status is 1 when there is any error. What depends on the kernel, such as whether a function or tracepoint
exists, is found out only when the policy is loaded.`

func newPolicyLint(p Program) *cobra.Command {
	l := &linter{program: p, output: formatText}
	cmd := &cobra.Command{
		Use:               "lint FILE...",
		Aliases:           []string{"check", "validate"},
		Short:             "Check policy files, without agent or kernel",
		Long:              lintHelp,
		Example:           "  vedette tracingpolicy lint policy.yaml\n  vedette tp lint policies/ -o json\n  helm template . | vedette tp lint -",
		Args:              arguments("policy files or directories, or - for standard input", 1, -1),
		ValidArgsFunction: completePolicyFiles,
		RunE:              func(_ *cobra.Command, args []string) error { return l.run(args) },
	}
	cmd.Flags().VarP(newChoice(&l.output, formatText, formatJSON), "output", "o", "how to print what is found: text, or json, one object for all files")
	addColorFlag(cmd.Flags(), &l.color)
	completeChoices(cmd, "output", "color")
	return cmd
}

// linter checks policy files.
type linter struct {
	program       Program
	output, color string
}

// lintResult is what was found in one file.
type lintResult struct {
	source      *policy.Source
	diagnostics []policy.Diagnostic
	// policies is how many policies without errors of syntax the file has.
	policies int
}

func (l *linter) run(args []string) error {
	files, err := policyFiles(args)
	if err != nil {
		return err
	}
	results := make([]lintResult, 0, len(files))
	for _, file := range files {
		results = append(results, l.lint(file))
	}
	if l.output == formatJSON {
		err = l.printJSON(results)
	} else {
		err = l.printText(results)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r lintResult) bool { return policy.HasErrors(r.diagnostics) }) {
		return &exitError{status: exitFailure}
	}
	return nil
}

// lint checks one file. That it cannot be read is one more thing found in it.
func (l *linter) lint(file string) lintResult {
	src, err := readPolicySource(l.program, file)
	if err != nil {
		return lintResult{
			source:      policy.NewSource(file, nil),
			diagnostics: []policy.Diagnostic{{Severity: policy.SeverityError, Message: readError(file, err)}},
		}
	}
	policies, diagnostics := policy.ParseSource(src)
	diagnostics = append(diagnostics, compileDiagnostics(policies)...)
	slices.SortStableFunc(diagnostics, func(a, b policy.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return lintResult{src, diagnostics, len(policies)}
}

// readError returns why a file cannot be read, without its name, which stands before it.
func readError(file string, err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Sprintf("cannot be read: %v", path.Err)
	}
	text := strings.TrimPrefix(err.Error(), "read policy: "+file)
	return strings.TrimSpace(strings.TrimPrefix(text, ":"))
}

// compileDiagnostics compiles each policy by itself and returns what is wrong.
func compileDiagnostics(policies []*policy.Policy) []policy.Diagnostic {
	var diagnostics []policy.Diagnostic
	for _, p := range policies {
		input := compile.InputPolicy{Policy: p, FollowBit: -1}
		if compile.Follows(p) {
			input.FollowBit = 0
		}
		in := compile.Input{Policies: []compile.InputPolicy{input}}
		plan, err := compile.Compile(in)
		if err == nil {
			diagnostics = append(diagnostics, plan.Warnings[0]...)
			diagnostics = append(diagnostics, plan.Review(in)...)
		}
		found := compile.PolicyErrors(err)
		for _, e := range found {
			diagnostics = append(diagnostics, e.Diagnostics...)
		}
		if err != nil && len(found) == 0 {
			diagnostics = append(diagnostics, p.Diagnose("metadata.name", policy.SeverityError, "%v", err))
		}
	}
	return diagnostics
}

// printText prints what was found in the text of the policies, and a summary.
func (l *linter) printText(results []lintResult) error {
	out := l.program.Stdout
	var all []policy.Diagnostic
	for _, r := range results {
		if err := policy.Render(out, r.source, r.diagnostics, useColor(out, l.color)); err != nil {
			return err
		}
		all = append(all, r.diagnostics...)
	}
	_, err := fmt.Fprintf(out, "%s checked: %s\n", count(len(results), "file"), countDiagnostics(all))
	return err
}

// countDiagnostics returns how many errors and warnings there are, in words.
func countDiagnostics(diagnostics []policy.Diagnostic) string {
	failures := 0
	for _, d := range diagnostics {
		if d.Severity == policy.SeverityError {
			failures++
		}
	}
	return count(failures, "error") + ", " + count(len(diagnostics)-failures, "warning")
}

// count returns a number of things in words.
func count[N int | uint64](n N, thing string) string {
	switch n {
	case 0:
		return "no " + thing + "s"
	case 1:
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// lintReport is the JSON of all that was found.
type lintReport struct {
	Files       int              `json:"files"`
	Policies    int              `json:"policies"`
	Errors      int              `json:"errors"`
	Warnings    int              `json:"warnings"`
	Diagnostics []lintDiagnostic `json:"diagnostics"`
}

// lintDiagnostic is the JSON of one thing found. Line and column count from 1 and are missing where
// the place is not known.
type lintDiagnostic struct {
	File       string `json:"file"`
	Line       int    `json:"line,omitempty"`
	Column     int    `json:"column,omitempty"`
	Severity   string `json:"severity"`
	Path       string `json:"path,omitempty"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
}

func (l *linter) printJSON(results []lintResult) error {
	report := lintReport{Files: len(results), Diagnostics: []lintDiagnostic{}}
	for _, r := range results {
		report.Policies += r.policies
		for _, d := range r.diagnostics {
			if d.Severity == policy.SeverityError {
				report.Errors++
			} else {
				report.Warnings++
			}
			report.Diagnostics = append(report.Diagnostics, lintDiagnostic{
				File: r.source.Name, Line: d.Pos.Line, Column: d.Pos.Column, Severity: d.Severity.String(),
				Path: d.Path, Message: d.Message, Suggestion: d.Suggestion,
			})
		}
	}
	return writeJSON(l.program.Stdout, report)
}

// writeJSON writes a value as indented JSON.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// policySuffixes are what the names of policy files end with.
var policySuffixes = []string{".yaml", ".yml", ".json"}

// policyFiles returns the files of the arguments, in their order, with the policy files below a
// directory in place of it.
func policyFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == stdinName || err != nil || !info.IsDir() {
			files = append(files, arg)
			continue
		}
		found, err := filesBelow(arg)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("directory %s holds no policy file (.yaml, .yml or .json)", arg)
		}
		files = append(files, found...)
	}
	return files, nil
}

func filesBelow(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains(policySuffixes, strings.ToLower(filepath.Ext(path))) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	return files, nil
}
