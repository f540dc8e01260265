// SPDX-License-Identifier: Apache-2.0

// Package kubernetes watches the pods of this node and the node itself at the API server.
package kubernetes
