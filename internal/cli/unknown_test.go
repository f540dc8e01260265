// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestMisspeltCommandLine(t *testing.T) {
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"command", `unknown command "stauts" for "vedette"; did you mean status? (see "vedette --help")`, []string{"stauts"}},
		{"command before its flags", `unknown command "getevent" for "vedette"; did you mean getevents? (see "vedette --help")`, []string{"getevent", "--pods", "x"}},
		{"command like nothing", `unknown command "xyzzy" for "vedette" (see "vedette --help")`, []string{"xyzzy"}},
		{"sub-command", `unknown command "lits" for "vedette tracingpolicy"; did you mean list? (see "vedette tracingpolicy --help")`, []string{"tp", "lits"}},
		{"flag", `unknown flag --outptu; did you mean --output? (see "vedette getevents --help")`, []string{"getevents", "--outptu", "json"}},
		{"short flag", `unknown flag -x (see "vedette status --help")`, []string{"status", "-x"}},
		{"beginning of a flag", `unknown flag --name; did you mean --namespaces? (see "vedette getevents --help")`, []string{"getevents", "--name=x"}},
		{"value", `invalid argument "jsn" for "-o, --output" flag: must be json or compact; did you mean json? (see "vedette getevents --help")`, []string{"getevents", "-o", "jsn"}},
		{"missing value", `flag needs an argument: --timeout (see "vedette status --help")`, []string{"status", "--timeout"}},
		{"argument", `status takes no argument, got "now" (see "vedette status --help")`, []string{"status", "now"}},
		{"missing argument", `delete needs the name of a policy (see "vedette tracingpolicy delete --help")`, []string{"tp", "delete"}},
		{"too many arguments", `delete has one argument too many: "b" (see "vedette tracingpolicy delete --help")`, []string{"tp", "delete", "a", "b"}},
		{"planned command", `command "bugtool" is not yet supported by vedette (see "vedette --help")`, []string{"bugtool", "tracingpolicy"}},
		{"planned sub-command", `command "tracingpolicy generate uprobes" is not yet supported by vedette (see "vedette tracingpolicy generate --help")`, []string{"tp", "generate", "uprobes", "-b", "/bin/sh"}},
		{"event type", `unknown event type "exce"; did you mean PROCESS_EXEC? (see "vedette getevents --help")`, []string{"getevents", "-e", "exce"}},
		{"mode", `unknown mode "audit"; it is enforce or monitor (see "vedette tracingpolicy set-mode --help")`, []string{"tp", "set-mode", "a", "audit"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			session{}.run(t, test.args...).check(t, exitUsage, "", "vedette: "+test.want+"\n")
		})
	}
}

// TestEveryCommandIsDescribed keeps the help complete.
func TestEveryCommandIsDescribed(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return
		}
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			if cmd.Short == "" {
				t.Error("no short description")
			}
			if cmd.HasParent() && cmd.Example == "" {
				t.Error("no example")
			}
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" {
					t.Errorf("flag --%s has no description", f.Name)
				}
			})
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRootCommand(Program{}))
}
