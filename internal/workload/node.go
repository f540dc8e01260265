// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"os"
)

// NodeName returns the name of this node: the environment variable HUBBLE_NODE_NAME, else
// NODE_NAME, else the host's name.
func NodeName() (string, error) {
	for _, variable := range []string{"HUBBLE_NODE_NAME", "NODE_NAME"} {
		if name := os.Getenv(variable); name != "" {
			return name, nil
		}
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name of the node: %w", err)
	}
	return name, nil
}
