// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strconv"
)

// The names of spec.options.
const (
	OptionDisableKprobeMulti   = "disable-kprobe-multi"
	OptionDisableUprobeMulti   = "disable-uprobe-multi"
	OptionPolicyMode           = "policy-mode"
	OptionOverrideMethod       = "override-method"
	OptionSleepablePreloadSize = "sleepable-preload-size"
)

var optionNames = []string{
	OptionDisableKprobeMulti, OptionDisableUprobeMulti, OptionPolicyMode, OptionOverrideMethod,
	OptionSleepablePreloadSize,
}

// Mode says whether a policy's enforcing actions are carried out.
type Mode string

// The modes of a policy. In monitor mode enforcing actions are skipped and
// the events say what would have been done.
const (
	ModeEnforce Mode = "enforce"
	ModeMonitor Mode = "monitor"
)

var modes = []Mode{ModeEnforce, ModeMonitor}

// The values of option override-method.
const (
	OverrideMethodFmodRet        = "fmod-ret"
	OverrideMethodOverrideReturn = "override-return"
)

var overrideMethods = []string{OverrideMethodFmodRet, OverrideMethodOverrideReturn}

// Mode returns the mode that the policy asks for with option policy-mode, and
// ModeEnforce where it does not.
func (p *Policy) Mode() Mode {
	if value, ok := p.Option(OptionPolicyMode); ok {
		return Mode(value)
	}
	return ModeEnforce
}

// Option returns the value of one of the policy's options and whether the
// policy gives it.
func (p *Policy) Option(name string) (value string, ok bool) {
	i := slices.IndexFunc(p.Spec.Options, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return "", false
	}
	return p.Spec.Options[i].Value, true
}

// IsSet reports whether the policy sets one of the options whose value is a
// boolean.
func (p *Policy) IsSet(name string) bool {
	value, _ := p.Option(name)
	set, err := strconv.ParseBool(value)
	return err == nil && set
}

// checkOption returns what is wrong with the value of a known option.
func checkOption(o Option) error {
	switch o.Name {
	case OptionDisableKprobeMulti, OptionDisableUprobeMulti:
		if _, err := strconv.ParseBool(o.Value); err != nil {
			return fmt.Errorf("%s is not a boolean", quote(o.Value))
		}
	case OptionPolicyMode:
		if !isOneOf(Mode(o.Value), modes) {
			return valueError{"unknown mode " + quote(o.Value), oneOf(o.Value, modes)}
		}
	case OptionOverrideMethod:
		if !isOneOf(o.Value, overrideMethods) {
			return valueError{"unknown override method " + quote(o.Value), oneOf(o.Value, overrideMethods)}
		}
	case OptionSleepablePreloadSize:
		if n, err := strconv.ParseInt(o.Value, 10, 32); err != nil || n <= 0 {
			return fmt.Errorf("%s is not a positive number", quote(o.Value))
		}
	}
	return nil
}

func isOneOf[T comparable](value T, of []T) bool { return slices.Contains(of, value) }
