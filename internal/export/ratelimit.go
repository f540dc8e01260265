// SPDX-License-Identifier: Apache-2.0

package export

import "time"

// rateLimit is a token bucket of events: it holds one minute's worth and is refilled continuously.
type rateLimit struct {
	perMinute float64
	tokens    float64
	last      time.Time
	dropped   uint64
}

func newRateLimit(perMinute int, now time.Time) *rateLimit {
	return &rateLimit{perMinute: float64(perMinute), tokens: float64(perMinute), last: now}
}

// allow takes a token, or counts a dropped event when there is none.
func (r *rateLimit) allow(now time.Time) bool {
	if elapsed := now.Sub(r.last); elapsed > 0 {
		r.tokens = min(r.perMinute, r.tokens+r.perMinute*elapsed.Minutes())
		r.last = now
	}
	if r.tokens < 1 {
		r.dropped++
		return false
	}
	r.tokens--
	return true
}

// takeDropped returns how many events were dropped since the last call.
func (r *rateLimit) takeDropped() uint64 {
	n := r.dropped
	r.dropped = 0
	return n
}
