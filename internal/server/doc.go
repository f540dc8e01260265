// SPDX-License-Identifier: Apache-2.0

// Package server serves the interface of api/tetragon over gRPC: the event stream, the policies, health
// and settings. It listens on a unix socket that root and its group may use, and on TCP if configured.
//
// What the agent does for it is behind the interfaces of [Config]. A client can neither stop the agent
// (panics become errors) nor hold up another client (each stream has a queue of its own).
package server
