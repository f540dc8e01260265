// SPDX-License-Identifier: Apache-2.0

// Package critest serves the Container Runtime Interface for tests.
package critest
