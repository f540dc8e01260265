// SPDX-License-Identifier: Apache-2.0

// Package hold keeps back the events of containers whose pods are not known yet, for a bounded time and
// number, so that they can be sent with their pod.
package hold
