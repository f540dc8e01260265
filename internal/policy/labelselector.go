// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The operators of label selectors.
const (
	LabelIn           = "In"
	LabelNotIn        = "NotIn"
	LabelExists       = "Exists"
	LabelDoesNotExist = "DoesNotExist"
)

var labelOperators = []string{LabelIn, LabelNotIn, LabelExists, LabelDoesNotExist}

// IsEmpty reports whether the selector selects everything. A nil selector is
// not there at all and reports false.
func (s *LabelSelector) IsEmpty() bool {
	return s != nil && len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

// validateHostSelector reports a host selector that is anything but {}.
func (v *validator) validateHostSelector(path string, s *LabelSelector) {
	if s == nil {
		return
	}
	if !s.IsEmpty() {
		v.suggestf(path, "write {}", "host selector must be null or empty")
	}
	if v.policy.Kind == KindTracingPolicyNamespaced {
		v.errorf(path, "host selector is not allowed in a TracingPolicyNamespaced")
	}
}

func (v *validator) validateLabelSelector(path string, s *LabelSelector) {
	if s == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		at := FieldPath(path+".matchLabels", key)
		v.validateLabelKey(at, key)
		v.validateLabelValue(at, s.MatchLabels[key])
	}
	for i, e := range s.MatchExpressions {
		v.validateLabelExpression(ItemPath(path+".matchExpressions", i), e)
	}
}

func (v *validator) validateLabelExpression(path string, e LabelExpression) {
	if e.Key != "" {
		v.validateLabelKey(path+".key", e.Key)
	}
	switch e.Operator {
	case "":
	case LabelIn, LabelNotIn:
		if len(e.Values) == 0 {
			v.errorf(path+".values", "operator %s needs values", e.Operator)
		}
	case LabelExists, LabelDoesNotExist:
		if len(e.Values) > 0 {
			v.errorf(path+".values", "operator %s takes no values", e.Operator)
		}
	default:
		v.suggestf(path+".operator", oneOf(e.Operator, labelOperators), "unknown operator %s", quote(e.Operator))
	}
	for i, value := range e.Values {
		v.validateLabelValue(ItemPath(path+".values", i), value)
	}
}

// labelPart is a label's name or value.
var labelPart = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)

const maxLabelPart = 63

// validateLabelKey accepts what Kubernetes does, and the keys with a source
// before a colon that Cilium's tools write, such as
// k8s:io.kubernetes.pod.namespace.
func (v *validator) validateLabelKey(path, key string) {
	name := strings.TrimPrefix(key, "k8s:")
	prefix, rest, found := strings.Cut(name, "/")
	if found {
		name = rest
	}
	if found && (len(prefix) > maxNameLength || !dnsSubdomain.MatchString(prefix)) || len(name) > maxLabelPart || !labelPart.MatchString(name) {
		v.errorf(path, "%s is not the key of a label", quote(key))
	}
}

func (v *validator) validateLabelValue(path, value string) {
	if value != "" && (len(value) > maxLabelPart || !labelPart.MatchString(value)) {
		v.errorf(path, "%s is not the value of a label", quote(value))
	}
}
