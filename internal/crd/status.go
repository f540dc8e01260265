// SPDX-License-Identifier: Apache-2.0

package crd

// status returns the schema of what is told of a policy.
func status() *Schema {
	text := func(description string) *Schema { return &Schema{Type: "string", Description: description} }
	number := func(description string) *Schema {
		return &Schema{Type: "integer", Format: "int32", Description: description, Minimum: new(int64)}
	}
	names := &Schema{Type: "array", Items: &Schema{Type: "string"}, MaxItems: 10, ListType: "atomic",
		Description: "The first of these nodes by name."}
	condition := &Schema{
		Type: "object", Required: []string{"type", "status", "lastTransitionTime", "reason", "message"},
		Properties: map[string]*Schema{
			"type":               {Type: "string", Enum: []string{"Accepted", "Programmed", "Enforcing", "Degraded"}},
			"status":             {Type: "string", Enum: []string{"True", "False", "Unknown"}},
			"observedGeneration": {Type: "integer", Format: "int64", Minimum: new(int64)},
			"lastTransitionTime": {Type: "string", Format: "date-time"},
			"reason":             {Type: "string", MaxLength: 1024},
			"message":            {Type: "string", MaxLength: 32768},
		},
	}
	failure := &Schema{
		Type: "object", Required: []string{"kind", "message", "count"},
		Properties: map[string]*Schema{
			"kind":    text("What kind of failure it is: Invalid or LoadFailed."),
			"message": text("The first error of this kind."),
			"count":   number("On how many nodes it is so."),
			"nodes":   names,
		},
	}
	return &Schema{
		Type: "object", Description: "What the nodes tell of the policy, written by one elected agent.",
		Properties: map[string]*Schema{
			"observedGeneration": {Type: "integer", Format: "int64", Minimum: new(int64), Description: "The generation of the policy that this is about."},
			"summary":            text("Nodes whose kernel has the policy, of all nodes that have told: 3/3."),
			"nodes": {Type: "object", Description: "How many nodes are in which state.", Properties: map[string]*Schema{
				"total":      number("Nodes that run an agent."),
				"enforcing":  number("Nodes that stop what the policy forbids."),
				"monitoring": number("Nodes that only tell of it."),
				"partial":    number("Nodes that have a part of the hooks in force."),
				"disabled":   number("Nodes where the policy was switched off."),
				"skipped":    number("Nodes that the policy does not select."),
				"failed":     number("Nodes that cannot load the policy."),
				"pending":    number("Nodes that have not told yet of this generation."),
			}},
			"conditions": {Type: "array", Items: condition, MaxItems: 8, ListType: "map", ListMapKeys: []string{"type"}},
			"failures":   {Type: "array", Items: failure, MaxItems: 8, ListType: "atomic", Description: "The first error per kind of failure."},
		},
	}
}
