// SPDX-License-Identifier: Apache-2.0

// Package mappingtest has files to map for tests of what is told of mappings.
package mappingtest
