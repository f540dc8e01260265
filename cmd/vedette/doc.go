// SPDX-License-Identifier: Apache-2.0

// Command vedette is the agent and its client.
package main
