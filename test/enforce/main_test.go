// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/hook"
	"github.com/vedette-io/vedette/internal/kernel"
	"github.com/vedette-io/vedette/internal/policy"
)

// kernelSide is a running engine.
type kernelSide struct {
	tb     testing.TB
	base   *hook.Base
	engine *hook.Engine
}

// mustStart loads the process programs and an engine that attaches as told.
func mustStart(tb testing.TB, attach ...hook.Attachment) *kernelSide {
	tb.Helper()
	if testing.Short() {
		tb.Skip("loads programs into the kernel: not with -short")
	}
	if os.Geteuid() != 0 {
		tb.Skip("loading BPF programs needs root")
	}
	base, err := hook.NewBase(hook.Options{CgroupController: -1})
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, base.Close()) })
	tracefs, err := kernel.OpenTracefs()
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, tracefs.Close()) })
	engine, err := hook.NewEngine(base, hook.EngineOptions{Tracefs: tracefs, Attach: attach})
	mustNil(tb, err)
	tb.Cleanup(func() { mustNil(tb, engine.Close()) })
	mustNil(tb, base.Tasks(func([]byte) {}))
	return &kernelSide{tb: tb, base: base, engine: engine}
}

func mustNil(tb testing.TB, err error) {
	tb.Helper()
	if err == nil {
		return
	}
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		tb.Log(strings.Join(ve.Log[max(0, len(ve.Log)-40):], "\n"))
	}
	tb.Fatal(err)
}

// apply puts policies into force, given as their specs in YAML, and returns
// their hooks.
func (k *kernelSide) apply(specs ...string) ([]hook.Loaded, error) {
	k.tb.Helper()
	var in compile.Input
	var names []string
	for i, spec := range specs {
		name := fmt.Sprint("policy", i)
		text := "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: " + name + "}\nspec:\n" + spec
		policies, diags := policy.Parse(name, []byte(text))
		if policy.HasErrors(diags) {
			k.tb.Fatal(diags)
		}
		one := compile.InputPolicy{Policy: policies[0], FollowBit: -1}
		if compile.Follows(one.Policy) {
			one.FollowBit = i
		}
		in.Policies = append(in.Policies, one)
		names = append(names, name)
	}
	plan, err := compile.Compile(in)
	mustNil(k.tb, err)
	var loaded []hook.Loaded
	err = k.engine.Apply(plan, names, func(l []hook.Loaded) { loaded = l })
	return loaded, err
}

// mustApply fails the test if the policies cannot be put into force. Where
// the kernel lacks a feature that they need, the test is skipped by its name.
func (k *kernelSide) mustApply(tb testing.TB, specs ...string) []hook.Loaded {
	tb.Helper()
	loaded, err := k.apply(specs...)
	if errors.Is(err, kernel.ErrMissing) {
		tb.Skip(err)
	}
	mustNil(tb, err)
	return loaded
}

// mustLift ends all policies.
func (k *kernelSide) mustLift(tb testing.TB) {
	tb.Helper()
	_, err := k.apply()
	mustNil(tb, err)
}

// counters are what all rules together have done.
func (k *kernelSide) counters() hook.Counters {
	k.tb.Helper()
	all, err := k.engine.Counters()
	mustNil(k.tb, err)
	var sum hook.Counters
	for _, c := range all {
		sum.Add(c)
	}
	return sum
}

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }
