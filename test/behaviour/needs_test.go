// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package behaviour

import (
	"os"

	"github.com/vedette-io/vedette/internal/kernel"
)

// offers is the need of a feature.
func offers(f kernel.Feature) func() error {
	return func() error { return kernel.Offered().Check(f) }
}

// hookableFunctions is the need of hooks on functions of the kernel, which not every kernel has.
func hookableFunctions() error {
	err := kernel.Offered().Check(kernel.FeatureFentry)
	if err == nil || kernel.Offered().Check(kernel.FeatureKprobe) == nil {
		return nil
	}
	return err
}

// loadableModule is the need of the module that rows load, at functions that they hook.
func loadableModule() error {
	if _, err := os.Stat(testModule); err != nil {
		return err
	}
	return hookableFunctions()
}
