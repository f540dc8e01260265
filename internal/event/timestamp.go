// SPDX-License-Identifier: Apache-2.0

package event

const (
	nanosPerSecond = 1_000_000_000
	secondsPerDay  = 86_400
)

// digitPairs holds "00" to "99".
var digitPairs = func() (pairs [200]byte) {
	for i := range 100 {
		pairs[2*i], pairs[2*i+1] = '0'+byte(i/10), '0'+byte(i%10)
	}
	return pairs
}()

// splitNanos splits nanoseconds since the Unix epoch into seconds and nanoseconds, which are not negative.
func splitNanos(ns int64) (seconds, nanos int64) {
	seconds, nanos = ns/nanosPerSecond, ns%nanosPerSecond
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+nanosPerSecond
	}
	return seconds, nanos
}

// appendTimestamp appends nanoseconds since the Unix epoch as RFC 3339 with as many groups of three
// fractional digits as needed.
func appendTimestamp(dst []byte, ns int64) []byte {
	seconds, nanos := splitNanos(ns)
	dst = appendDateTime(dst, seconds)
	if nanos != 0 {
		dst = appendFraction(dst, nanos)
		for dst[len(dst)-1] == '0' && dst[len(dst)-2] == '0' && dst[len(dst)-3] == '0' {
			dst = dst[:len(dst)-3]
		}
	}
	return append(dst, 'Z')
}

// appendTimestampFixed appends nanoseconds since the Unix epoch as RFC 3339 with nine fractional digits.
func appendTimestampFixed(dst []byte, ns int64) []byte {
	seconds, nanos := splitNanos(ns)
	return append(appendFraction(appendDateTime(dst, seconds), nanos), 'Z')
}

func appendDateTime(dst []byte, seconds int64) []byte {
	days, rest := seconds/secondsPerDay, seconds%secondsPerDay
	if rest < 0 {
		days, rest = days-1, rest+secondsPerDay
	}
	year, month, day := civil(days)
	dst = appendPair(appendPair(dst, year/100), year%100)
	dst = appendPair(append(dst, '-'), month)
	dst = appendPair(append(dst, '-'), day)
	dst = appendPair(append(dst, 'T'), rest/3600)
	dst = appendPair(append(dst, ':'), rest/60%60)
	return appendPair(append(dst, ':'), rest%60)
}

func appendFraction(dst []byte, nanos int64) []byte {
	dst = append(dst, '.', '0'+byte(nanos/100_000_000))
	dst = appendPair(dst, nanos/1_000_000%100)
	dst = appendPair(dst, nanos/10_000%100)
	dst = appendPair(dst, nanos/100%100)
	return appendPair(dst, nanos%100)
}

func appendPair(dst []byte, n int64) []byte {
	return append(dst, digitPairs[2*n], digitPairs[2*n+1])
}

// civil converts days since the Unix epoch to a date of the Gregorian calendar. It counts in eras of
// 400 years, which all have 146097 days, and years that begin in March, so that the leap day is the
// last of its year.
func civil(days int64) (year, month, day int64) {
	days += 719_468 // from 0000-03-01 to 1970-01-01
	era := days / 146_097
	dayOfEra := days % 146_097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36_524 - dayOfEra/146_096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153 // month counted from March
	year, month, day = yearOfEra+era*400, m+3, dayOfYear-(153*m+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}
