// SPDX-License-Identifier: Apache-2.0

// Package container says what a container is and which pod it belongs to: plain data, which the wing of
// events shows and the wing of control selects by. It imports neither.
package container
