// SPDX-License-Identifier: Apache-2.0

package crd

// Rule is a validation rule in CEL, and what is told of an object that breaks it.
type Rule struct {
	Rule    string `yaml:"rule"`
	Message string `yaml:"message"`
}

// returnRule is that of hooks with a return value.
var returnRule = Rule{"!has(self.return) || !self.return || has(self.returnArg)", "return: true needs returnArg"}

// rules are what the parser checks beyond types and can be said in CEL, by the
// objects that they are about. They are few on purpose: the API server bounds
// their cost over the largest possible object.
var rules = map[string][]Rule{
	"Spec": {
		{"!has(self.hostSelector) || self.hostSelector == null || (!has(self.hostSelector.matchLabels) && !has(self.hostSelector.matchExpressions))",
			"host selector must be null or {}"},
	},
	"Kprobe": {
		returnRule,
		{"!has(self.returnArgAction) || (has(self.return) && self.return)", "returnArgAction needs return: true"},
	},
	"Uprobe": {
		returnRule,
		{"(has(self.symbols) && size(self.symbols) > 0 ? 1 : 0) + (has(self.offsets) && size(self.offsets) > 0 ? 1 : 0) + (has(self.addrs) && size(self.addrs) > 0 ? 1 : 0) == 1",
			"one of symbols, offsets and addrs is needed, and only one"},
	},
	"List": {
		{"!has(self.type) || !self.type.startsWith('generated_') || !has(self.values) || size(self.values) == 0",
			"a generated list must not have values"},
		{"!has(self.type) || self.type != 'generated_ftrace' || has(self.pattern)", "a list of type generated_ftrace needs a pattern"},
	},
	"Action": {
		{"(has(self.argNewSymbol) ? 1 : 0) + (has(self.argNewAddr) ? 1 : 0) + (has(self.argNewOffset) ? 1 : 0) <= 1",
			"only one of argNewSymbol, argNewAddr and argNewOffset can be given"},
		{"self.action != 'Signal' || (has(self.argSig) && self.argSig >= 1 && self.argSig <= 64)",
			"action Signal needs argSig, a signal from 1 to 64"},
	},
}

// namespacedRules are what a policy of a namespace must not have.
var namespacedRules = []Rule{
	{"!has(self.hostSelector) || self.hostSelector == null", "host selector is not allowed in a TracingPolicyNamespaced"},
	{"!has(self.uprobes) || size(self.uprobes) == 0", "uprobes are not supported in a TracingPolicyNamespaced"},
	{"!has(self.usdts) || size(self.usdts) == 0", "usdts are not supported in a TracingPolicyNamespaced"},
}
