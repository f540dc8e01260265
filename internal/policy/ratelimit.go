// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// RateScope is what an action's rate limit is counted for.
type RateScope string

// The scopes of rateLimitScope; thread is the default.
const (
	RateScopeThread  RateScope = "thread"
	RateScopeProcess RateScope = "process"
	RateScopeGlobal  RateScope = "global"
)

var rateScopes = []RateScope{RateScopeThread, RateScopeProcess, RateScopeGlobal}

// RateLimit is a parsed rate limit: after one event, equal events of the
// scope are not posted until the interval has passed.
type RateLimit struct {
	// Interval is 0 where there is no limit.
	Interval time.Duration
	Scope    RateScope
}

// ParseRateLimit parses rateLimit, "N" seconds or N with a unit s, m or h,
// and rateLimitScope. Empty strings mean no limit and scope thread.
func ParseRateLimit(limit, scope string) (RateLimit, error) {
	result := RateLimit{Scope: RateScopeThread}
	if scope != "" {
		result.Scope = RateScope(scope)
		if !isOneOf(result.Scope, rateScopes) {
			return RateLimit{}, valueError{"unknown rate limit scope " + quote(scope), oneOf(scope, rateScopes)}
		}
	}
	if limit == "" {
		return result, nil
	}
	digits, unit := limit, time.Second
	for suffix, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour} {
		if rest, ok := strings.CutSuffix(limit, suffix); ok {
			digits, unit = rest, u
		}
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || int64(n) > math.MaxInt64/int64(unit) {
		return RateLimit{}, fmt.Errorf("rate limit %s is not a number of seconds or a number with unit s, m or h", quote(limit))
	}
	result.Interval = time.Duration(n) * unit
	return result, nil
}
