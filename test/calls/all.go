// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package calls

import "slices"

// All returns the calls with their variants, by kind.
func All() []Call {
	return slices.Concat(openCalls(), descriptorCalls(), nameCalls(), attributeCalls(), xattrCalls(), contentCalls(),
		memoryCalls(), mountCalls(), socketCalls(), messageCalls(), makingCalls(), signalCalls(), credentialCalls(),
		schedulerCalls(), processCalls(), ipcCalls(), kernelCalls(), notifyCalls())
}

// one is a call with one variant.
func one(name string, prepare func(*rig) *plan) Call {
	return Call{Name: name, Variants: []Variant{{Name: "plain", prepare: prepare}}}
}
