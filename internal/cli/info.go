// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/vedette-io/vedette/api/tetragon"
)

// newInfoCommand returns the command that asks the agent about itself.
func newInfoCommand(c *client) *cobra.Command {
	return newJSONCommand(c, &cobra.Command{
		Use: "info", Short: "Print what the agent was built from, as JSON", Example: "  vedette info",
	}, func(ctx context.Context, conn *connection) (proto.Message, error) {
		return conn.GetInfo(ctx, &tetragon.GetInfoRequest{})
	})
}

// newDebugCommand returns the commands for those who look into the agent.
func newDebugCommand(c *client) *cobra.Command {
	cmd := newGroup(&cobra.Command{
		Use: "debug", Short: "Look into the running agent", Hidden: true, Example: "  vedette debug dump processcache",
	})
	dump := newGroup(&cobra.Command{Use: "dump", Short: "Print what the agent holds", Example: "  vedette debug dump processcache"})
	request := &tetragon.DumpProcessCacheReqArgs{}
	processes := newJSONCommand(c, &cobra.Command{
		Use: "processcache", Short: "Print the processes that the agent remembers, as JSON",
		Example: "  vedette debug dump processcache --skip-zero-refcnt",
	}, func(ctx context.Context, conn *connection) (proto.Message, error) {
		answer, err := conn.GetDebug(ctx, &tetragon.GetDebugRequest{
			Flag: tetragon.ConfigFlag_CONFIG_FLAG_DUMP_PROCESS_CACHE, Arg: &tetragon.GetDebugRequest_Dump{Dump: request},
		})
		return answer.GetProcesses(), err
	})
	processes.Flags().BoolVar(&request.SkipZeroRefcnt, "skip-zero-refcnt", false, "leave out what nothing refers to any more")
	processes.Flags().BoolVar(&request.ExcludeExecveMapProcesses, "exclude-execve-map-processes", false, "leave out the processes that run")
	dump.AddCommand(processes)
	cmd.AddCommand(dump)
	return cmd
}

// newJSONCommand completes a command that prints an answer of the agent as JSON.
func newJSONCommand(c *client, cmd *cobra.Command, ask func(context.Context, *connection) (proto.Message, error)) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = noArguments, cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
			answer, err := ask(ctx, conn)
			if err != nil {
				return err
			}
			_, err = printf(cmd, "%s\n", protojson.MarshalOptions{UseProtoNames: true, Multiline: true}.Format(answer))
			return err
		})
	}
	c.addFlags(cmd.Flags())
	return cmd
}

// newSensorsCommand returns commands that clients of the reference have; an agent answers them with an error.
func newSensorsCommand(c *client) *cobra.Command {
	cmd := newGroup(&cobra.Command{
		Use: "sensors", Short: "Deprecated: use tracingpolicy", Hidden: true, Example: "  vedette sensors list",
	})
	cmd.AddCommand(newJSONCommand(c, &cobra.Command{Use: "list", Short: "Deprecated: use tracingpolicy list", Example: "  vedette sensors list"},
		func(ctx context.Context, conn *connection) (proto.Message, error) {
			return conn.ListSensors(ctx, &tetragon.ListSensorsRequest{})
		}))
	for name, ask := range map[string]func(context.Context, *connection, string) (proto.Message, error){
		"enable": func(ctx context.Context, conn *connection, sensor string) (proto.Message, error) {
			return conn.EnableSensor(ctx, &tetragon.EnableSensorRequest{Name: sensor})
		},
		"disable": func(ctx context.Context, conn *connection, sensor string) (proto.Message, error) {
			return conn.DisableSensor(ctx, &tetragon.DisableSensorRequest{Name: sensor})
		},
		"rm": func(ctx context.Context, conn *connection, sensor string) (proto.Message, error) {
			return conn.RemoveSensor(ctx, &tetragon.RemoveSensorRequest{Name: sensor})
		},
	} {
		one := newJSONCommand(c, &cobra.Command{Use: name + " NAME", Short: "Deprecated: use tracingpolicy", Example: "  vedette sensors " + name + " x"}, nil)
		one.Args = arguments("the name of a sensor", 1, 1)
		one.RunE = func(cmd *cobra.Command, args []string) error {
			return c.call(cmd.Context(), func(ctx context.Context, conn *connection) error {
				_, err := ask(ctx, conn, args[0])
				return err
			})
		}
		cmd.AddCommand(one)
	}
	return cmd
}
