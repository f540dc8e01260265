// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// plannedFlag is a flag that users of the reference agent know and that has no effect here yet. It
// may be given with its default, which asks for nothing.
type plannedFlag struct{ name, value string }

// isBool reports whether the flag can be given without a value.
func (f plannedFlag) isBool() bool { return f.value == "true" || f.value == "false" }

var plannedFlags = []plannedFlag{
	{"bpf-dir", "tetragon"},
	{"bpf-lib", "/var/lib/tetragon/"},
	{"cgroup-rate", ""},
	{"cpuprofile", ""},
	{"data-cache-size", "1024"},
	{"disable-kprobe-multi", "false"},
	{"disable-process-cache", "false"},
	{"enable-cgidmap", "false"},
	{"enable-cgidmap-debug", "false"},
	{"enable-cgtrackerid", "true"},
	{"enable-event-metrics", "true"},
	{"enable-export-aggregation", "false"},
	{"enable-msg-handling-latency", "false"},
	{"enable-pid-set-filter", "false"},
	{"enable-pod-info", "false"},
	{"enable-policy-filter", "false"},
	{"enable-policy-filter-cgroup-map", "false"},
	{"enable-policy-filter-debug", "false"},
	{"enable-process-environment-variables", "false"},
	{"enable-tracing-policy-crd", "true"},
	{"execve-map-size", ""},
	{"export-aggregation-buffer-size", "10000"},
	{"export-aggregation-window-size", "15s"},
	{"filter-environment-variables", ""},
	{"force-large-progs", "false"},
	{"force-small-progs", "false"},
	{"generate-docs", "false"},
	{"gops-address", ""},
	{"k8s-controlplane-retry", "1"},
	{"keep-sensors-on-exit", "false"},
	{"kernel", ""},
	{"memprofile", ""},
	{"metrics-label-filter", "namespace,workload,pod,binary"},
	{"metrics-server", ""},
	{"netns-dir", "/var/run/docker/netns/"},
	{"parents-map-enabled", "false"},
	{"parents-map-entries", "0"},
	{"parents-map-size", ""},
	{"persist-grpc-policies", "false"},
	{"persist-grpc-policies-dir", "/var/run/tetragon/grpc-policies"},
	{"pprof-address", ""},
	{"process-cache-gc-interval", "30s"},
	{"rb-queue-size", "65535"},
	{"release-pinned-bpf", "true"},
	{"sleepable-preload-size", "32768"},
	{"use-perf-ring-buffer", "false"},
	{"username-metadata", "disabled"},
	{"verbose", "0"},
}

// definePlanned defines the planned flags so that they are understood, and hides them from the help.
func definePlanned(flags *pflag.FlagSet) {
	for _, planned := range plannedFlags {
		flags.String(planned.name, planned.value, "not yet supported")
		flag := flags.Lookup(planned.name)
		flag.Hidden = true
		if planned.isBool() {
			flag.NoOptDefVal = "true"
		}
	}
}

// checkPlanned reports the planned flags that ask for something.
func checkPlanned(flags *pflag.FlagSet) error {
	var errs []error
	for _, planned := range plannedFlags {
		flag := flags.Lookup(planned.name)
		if flag.Value.String() != planned.value {
			errs = append(errs, fmt.Errorf("--%s is not yet supported by vedette", planned.name))
		}
	}
	return errors.Join(errs...)
}
