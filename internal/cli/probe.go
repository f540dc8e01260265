// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/kernel"
)

const probeHelp = `Tell what the running kernel offers of what Vedette can use, and why not where it does not. Every feature is
tried: a program is loaded, attached, run and taken away again. That takes a second or two, needs root and no agent,
and changes nothing.

With --function, tell the prototype of a function of the kernel, and which ways of attaching to it are possible. The
exit status is 1 when the kernel has no such function.`

// newProbeCommand returns the command that tells what the kernel offers.
func newProbeCommand(p Program) *cobra.Command {
	output := formatText
	var functions []string
	cmd := &cobra.Command{
		Use:               "probe",
		Short:             "Tell what the running kernel offers, and why not",
		Long:              probeHelp,
		Example:           "  sudo vedette probe\n  sudo vedette probe -o json\n  sudo vedette probe --function security_file_open --function fd_install",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if err := kernel.Privileged(); err != nil {
				return err
			}
			report, err := probe(kernel.Offered(), functions)
			if err != nil {
				return err
			}
			return report.print(p.Stdout, output)
		},
	}
	cmd.Flags().VarP(newChoice(&output, formatText, formatJSON), "output", "o", "how to print what is found: text or json")
	cmd.Flags().StringArrayVar(&functions, "function", nil, "tell about a function of the kernel instead; may be repeated")
	completeChoices(cmd, "output")
	completeFlag(cmd, "function", cobra.NoFileCompletions)
	return cmd
}

// probeReport is the JSON of what a kernel offers. Either the features or the functions are there.
type probeReport struct {
	Kernel    string           `json:"kernel"`
	Machine   string           `json:"machine"`
	Features  []probedFeature  `json:"features,omitempty"`
	Functions []probedFunction `json:"functions,omitempty"`
}

// probedFeature is the JSON of a feature.
type probedFeature struct {
	Name    string `json:"name"`
	Offered bool   `json:"offered"`
	// Reason says why it is not offered, Option what build option it needs.
	Reason string `json:"reason,omitempty"`
	Option string `json:"option,omitempty"`
	Since  string `json:"since,omitempty"`
}

// probedFunction is the JSON of a function. Error says why there is nothing else.
type probedFunction struct {
	Name        string          `json:"name"`
	Prototype   string          `json:"prototype,omitempty"`
	Module      string          `json:"module,omitempty"`
	Attachments []probedFeature `json:"attachments,omitempty"`
	Error       string          `json:"error,omitempty"`
}

// probe asks the kernel for everything, or about functions.
func probe(offer *kernel.Offer, functions []string) (*probeReport, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, fmt.Errorf("name of the kernel: %w", err)
	}
	report := &probeReport{Kernel: unix.ByteSliceToString(name.Release[:]), Machine: unix.ByteSliceToString(name.Machine[:])}
	if len(functions) == 0 {
		report.Features = probedFeatures(offer.All())
	}
	for _, function := range functions {
		report.Functions = append(report.Functions, probeFunction(offer, function))
	}
	return report, nil
}

// probeFunction asks about a function. One that BTF does not describe may still have attachments.
func probeFunction(offer *kernel.Offer, name string) probedFunction {
	found := probedFunction{Name: name}
	function, err := offer.Function(name)
	switch {
	case err == nil:
		found.Prototype, found.Module = function.String(), function.Module
	case !errors.Is(err, kernel.ErrUndescribed):
		found.Error = err.Error()
		return found
	}
	found.Attachments = probedFeatures(offer.Attachments(name))
	return found
}

// probedFeatures makes answers into what is printed.
func probedFeatures(answers []kernel.Answer) []probedFeature {
	features := make([]probedFeature, 0, len(answers))
	for _, a := range answers {
		f := probedFeature{Name: string(a.Feature), Offered: a.Err == nil, Since: a.Since}
		f.Reason, f.Option = missingReason(a.Err)
		features = append(features, f)
	}
	return features
}

// missingReason returns what stands behind the name of the feature in an error, and the build option.
func missingReason(err error) (reason, option string) {
	var missing *kernel.MissingError
	var attach *kernel.AttachError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &attach):
		return attach.Err.Error(), ""
	case errors.As(err, &missing) && missing.Cause != nil:
		return missing.Cause.Error(), missing.Option
	}
	return err.Error(), ""
}

// print prints the report. A function that does not exist ends the program with a failure.
func (r *probeReport) print(w io.Writer, output string) error {
	var err error
	if output == formatJSON {
		err = writeJSON(w, r)
	} else {
		err = r.printText(w)
	}
	if err != nil {
		return err
	}
	for _, f := range r.Functions {
		if f.Error != "" {
			return &exitError{status: exitFailure}
		}
	}
	return nil
}

func (r *probeReport) printText(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "Linux %s %s\n", r.Kernel, r.Machine); err != nil {
		return err
	}
	if len(r.Functions) == 0 {
		return printFeatures(w, "FEATURE", r.Features)
	}
	for _, f := range r.Functions {
		if err := f.print(w); err != nil {
			return err
		}
	}
	return nil
}

func (f probedFunction) print(w io.Writer) error {
	head := f.Prototype
	switch {
	case f.Error != "":
		_, err := fmt.Fprintf(w, "\n%s\n", f.Error)
		return err
	case head == "":
		head = f.Name + " (its parameters are not known: " + kernel.ErrUndescribed.Error() + ")"
	case f.Module != "":
		head += " in module " + f.Module
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", head); err != nil {
		return err
	}
	return printFeatures(w, "ATTACHMENT", f.Attachments)
}

// printFeatures prints a table.
func printFeatures(w io.Writer, title string, features []probedFeature) error {
	table := tabwriter.NewWriter(w, 0, 0, columnGap, ' ', 0)
	fmt.Fprintf(table, "%s\tOFFERED\tSINCE\tREASON\n", title)
	for _, f := range features {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Name, yesOrNo(f.Offered), f.Since, oneCell(f.reason()))
	}
	return table.Flush()
}

// reason returns why a feature is not offered, with the build option that it needs.
func (f probedFeature) reason() string {
	if f.Option == "" {
		return f.Reason
	}
	return strings.TrimSpace(f.Reason + " (needs " + f.Option + ")")
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
