// SPDX-License-Identifier: Apache-2.0

// Package ocsf encodes events as JSON of the Open Cybersecurity Schema Framework. [Append] chooses the class of an
// event: what a policy prevented or ended is a detection finding, processes and what hooks saw are activities of the
// class that their arguments belong to, and what the agent tells of itself are base events.
package ocsf
