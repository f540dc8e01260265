// SPDX-License-Identifier: Apache-2.0

// Package lab is what the tests of the whole product share: the built
// programs, an agent that is started for a test, the events that it serves,
// and the container of the stand-in database. Everything that a test starts
// ends with the test.
package lab
