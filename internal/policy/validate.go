// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The bounds of a policy. Those of the selectors and arguments are Vedette's,
// not the smaller ones of the reference implementation.
const (
	// MaxRules is how many rules one kernel hook can have, over all policies.
	MaxRules = 1024
	// MaxArgs is how many arguments and data one hook can name.
	MaxArgs = 8
	// MaxActions is how many actions one list of actions can have.
	MaxActions = 8
	// MaxTags is how many tags one hook can have.
	MaxTags = 16
	// MaxTagLength is the length in bytes that longer tags are cut to.
	MaxTagLength = 128
	// MaxMessageLength is the length in bytes that longer messages are cut to.
	MaxMessageLength = 256
	// MaxValueLength is the longest string that a value can be compared with,
	// in bytes: a path of PATH_MAX without its NUL.
	MaxValueLength = 4095
	// MaxLists and MaxMacros are how many lists and macros one policy can
	// define.
	MaxLists  = 1024
	MaxMacros = 1024
)

// minTextLength is the least length of messages and tags, in bytes.
const minTextLength = 2

// validator judges one decoded policy.
type validator struct {
	policy *Policy
	report *report
	failed *failures
	// expanded counts the elements that macros have added.
	expanded int
	// overridable caches which lists of functions can be overridden.
	overridable map[string]bool
}

func (v *validator) spec() *Spec { return &v.policy.Spec }

// errorf reports an error about the field at the path, unless that was
// reported already or follows from a reported one.
func (v *validator) errorf(path, format string, args ...any) {
	v.add(SeverityError, path, "", format, args...)
}

// suggestf reports an error as errorf does, with a suggestion.
func (v *validator) suggestf(path, suggestion, format string, args ...any) {
	v.add(SeverityError, path, suggestion, format, args...)
}

// warnf reports a warning, with a suggestion or "".
func (v *validator) warnf(path, suggestion, format string, args ...any) {
	v.add(SeverityWarning, path, suggestion, format, args...)
}

// valueError reports an error that parsing a value returned.
func (v *validator) valueError(path string, err error) {
	var with valueError
	suggestion := ""
	if errors.As(err, &with) {
		suggestion = with.suggestion
	}
	v.suggestf(path, suggestion, "%s", err)
}

func (v *validator) add(severity Severity, path, suggestion, format string, args ...any) {
	if v.failed.covers(path) {
		return
	}
	d := v.policy.Diagnose(path, severity, format, args...)
	d.Suggestion = suggestion
	v.report.add(d)
}

// validate judges the whole policy.
func (v *validator) validate() {
	v.validateMetadata()
	v.validateSelectors()
	v.validateLists()
	v.validateEnforcers()
	v.validateOptions()
	v.validateHooks()
	v.validateMacros()
}

const (
	maxNameLength      = 253
	maxNamespaceLength = 63
)

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

func (v *validator) validateMetadata() {
	m := v.policy.Metadata
	switch {
	case m.Name == "":
	case len(m.Name) > maxNameLength:
		v.errorf("metadata.name", "name has %d characters, the limit is %d", len(m.Name), maxNameLength)
	case !dnsSubdomain.MatchString(m.Name):
		v.suggestf("metadata.name", nameSuggestion(m.Name),
			"name %s is not a DNS-1123 subdomain: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit", quote(m.Name))
	}
	if m.Namespace != "" && (len(m.Namespace) > maxNamespaceLength || !dnsLabel.MatchString(m.Namespace)) {
		v.errorf("metadata.namespace", "namespace %s is not a DNS-1123 label: at most %d lower-case letters, digits and '-'", quote(m.Namespace), maxNamespaceLength)
	}
	if m.Namespace != "" && v.policy.Kind == KindTracingPolicy {
		v.warnf("metadata.namespace", "use kind TracingPolicyNamespaced to limit the policy to a namespace",
			"namespace of a TracingPolicy has no effect")
	}
}

var notInName = regexp.MustCompile(`[^a-z0-9.-]+`)

// nameSuggestion returns a valid name near an invalid one.
func nameSuggestion(name string) string {
	near := strings.Trim(notInName.ReplaceAllString(strings.ToLower(name), "-"), "-.")
	if !dnsSubdomain.MatchString(near) {
		return ""
	}
	return "for example " + quote(near)
}

// validateSelectors judges which workloads the policy is for.
func (v *validator) validateSelectors() {
	s := v.spec()
	v.validateLabelSelector("spec.podSelector", s.PodSelector)
	v.validateLabelSelector("spec.containerSelector", s.ContainerSelector)
	v.validateLabelSelector("spec.nodeSelector", s.NodeSelector)
	v.validateHostSelector("spec.hostSelector", s.HostSelector)
	if v.policy.Kind == KindTracingPolicyNamespaced {
		if len(s.Uprobes) > 0 {
			v.errorf("spec.uprobes", "uprobes are not supported in a TracingPolicyNamespaced")
		}
		if len(s.Usdts) > 0 {
			v.errorf("spec.usdts", "usdts are not supported in a TracingPolicyNamespaced")
		}
	}
}

func (v *validator) validateOptions() {
	first := make(map[string]bool)
	for i, o := range v.spec().Options {
		path := ItemPath("spec.options", i)
		if o.Name == "" {
			continue
		}
		if !isOneOf(o.Name, optionNames) {
			v.suggestf(path+".name", oneOf(o.Name, optionNames), "unknown option %s", quote(o.Name))
			continue
		}
		if first[o.Name] {
			v.errorf(path+".name", "option %s is given twice", quote(o.Name))
		}
		first[o.Name] = true
		if err := checkOption(o); err != nil {
			v.valueError(path+".value", fmt.Errorf("option %s: %w", o.Name, err))
		}
	}
}

func (v *validator) validateEnforcers() {
	s := v.spec()
	if len(s.Enforcers) > 1 {
		v.errorf("spec.enforcers[1]", "only one enforcer is supported, list all calls in the first")
	}
	for i, e := range s.Enforcers {
		path := ItemPath("spec.enforcers", i) + ".calls"
		if len(e.Calls) == 0 {
			v.errorf(path, "enforcer without calls")
		}
		for j, call := range e.Calls {
			v.validateEnforcerCall(ItemPath(path, j), call)
		}
	}
}

func (v *validator) validateEnforcerCall(path, call string) {
	if name, ok := ListReference(call); ok {
		v.requireList(path, name)
		return
	}
	if _, ok := SyscallName(call); !ok && !isSecurityHook(call) {
		v.suggestf(path, "it is list:NAME, sys_NAME or security_NAME", "%s cannot be enforced on", quote(call))
	}
}

// requireList returns the list with the name and reports its absence.
func (v *validator) requireList(path, name string) *List {
	list := v.spec().List(name)
	if list == nil && !v.failed.touches("spec.lists") && !v.report.full() {
		var names []string
		for _, l := range v.spec().Lists {
			names = append(names, l.Name)
		}
		v.suggestf(path, didYouMean(name, names), "there is no list %s in spec.lists", quote(name))
	}
	return list
}

var listedSyscall = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

func (v *validator) validateLists() {
	if n := len(v.spec().Lists); n > MaxLists {
		v.errorf(ItemPath("spec.lists", MaxLists), "%d lists, the limit is %d", n, MaxLists)
		return
	}
	first := make(map[string]bool)
	for i, l := range v.spec().Lists {
		path := ItemPath("spec.lists", i)
		if l.Name != "" && first[l.Name] {
			v.errorf(path+".name", "list %s is defined twice", quote(l.Name))
		}
		first[l.Name] = true
		if l.Type != ListTypePlain && !isOneOf(l.Type, listTypes) {
			v.suggestf(path+".type", oneOf(l.Type, listTypes), "unknown list type %s", quote(l.Type))
			continue
		}
		v.validateListContent(path, l)
	}
}

func (v *validator) validateListContent(path string, l List) {
	generated := l.Type == ListTypeGeneratedSyscalls || l.Type == ListTypeGeneratedFtrace
	switch {
	case generated && len(l.Values) > 0:
		v.errorf(path+".values", "list of type %s is generated and must not have values", l.Type)
	case !generated && len(l.Values) == 0:
		v.errorf(path+".values", "list %s has no values", quote(l.Name))
	}
	switch {
	case l.Type == ListTypeGeneratedFtrace && l.Pattern == "":
		v.errorf(path+".pattern", "list of type %s needs a pattern", l.Type)
	case l.Type != ListTypeGeneratedFtrace && l.Pattern != "":
		v.warnf(path+".pattern", "", "pattern has an effect with type %s only", ListTypeGeneratedFtrace)
	case l.Pattern != "":
		if _, err := regexp.Compile(l.Pattern); err != nil {
			v.errorf(path+".pattern", "pattern %s is not a regular expression", quote(l.Pattern))
		}
	}
	for i, value := range l.Values {
		v.validateListValue(ItemPath(path+".values", i), l, value)
	}
}

func (v *validator) validateListValue(path string, l List, value string) {
	if l.Type != ListTypeSyscalls {
		if !functionName.MatchString(value) {
			v.errorf(path, "%s is not the name of a function", quote(value))
		}
		return
	}
	name := value
	if abi, rest, found := strings.Cut(value, "/"); found {
		if !isOneOf(abi, syscallABIs) {
			v.suggestf(path, oneOf(abi, syscallABIs), "unknown binary interface %s", quote(abi))
			return
		}
		name = rest
	}
	if _, ok := SyscallName(name); !ok || !listedSyscall.MatchString(name) {
		suggestion := ""
		if listedSyscall.MatchString(name) {
			suggestion = "did you mean " + quote("sys_"+name) + "?"
		}
		v.suggestf(path, suggestion, "%s is not a system call", quote(value))
	}
}
