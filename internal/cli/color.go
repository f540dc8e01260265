// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// addColorFlag defines --color.
func addColorFlag(flags *pflag.FlagSet, value *string) {
	*value = colorAuto
	flags.Var(newChoice(value, colorAuto, colorAlways, colorNever), "color",
		"colors: auto (on a terminal, unless NO_COLOR is set), always or never")
}

// useColor reports whether what is written to w is to have colors.
func useColor(w io.Writer, when string) bool {
	switch when {
	case colorAlways:
		return true
	case colorNever:
		return false
	}
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
