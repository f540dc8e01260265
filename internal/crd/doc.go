// SPDX-License-Identifier: Apache-2.0

// Package crd makes the CustomResourceDefinitions of policies from the one
// schema that the parser has ([policy.Schema]) and the one text that tells of
// its fields (docs/reference). [Definitions] returns them; the generator
// writes them to deploy/crds.
package crd

//go:generate go run ./gen ../../deploy/crds
