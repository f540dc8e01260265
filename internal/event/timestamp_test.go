// SPDX-License-Identifier: Apache-2.0

package event

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTimestamp(t *testing.T) {
	t.Parallel()
	times := []int64{
		0, 1, -1, 999, 1000, 1_000_000, 120_000_000, 999_999_999, nanosPerSecond, -nanosPerSecond,
		time.Date(2000, 2, 29, 23, 59, 59, 0, time.UTC).UnixNano(), time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano(),
		time.Date(2100, 2, 28, 23, 59, 59, 1, time.UTC).UnixNano(), math.MaxInt64, math.MinInt64,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		times = append(times, int64(random.Uint64())>>random.IntN(30))
	}
	for _, ns := range times {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
		if got := string(appendTimestampFixed(nil, ns)); got != want {
			t.Fatalf("%d: got %s, want %s", ns, got, want)
		}
		short := string(appendTimestamp(nil, ns))
		parsed, err := time.Parse(time.RFC3339Nano, short)
		if err != nil || parsed.UnixNano() != ns {
			t.Fatalf("%d: got %s, which is %v, %v", ns, short, parsed, err)
		}
	}
}

func TestTimestampDigits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ns   int64
		want string
	}{
		{nanosPerSecond, "1970-01-01T00:00:01Z"},
		{100_000_000, "1970-01-01T00:00:00.100Z"},
		{1_000_000, "1970-01-01T00:00:00.001Z"},
		{1_000, "1970-01-01T00:00:00.000001Z"},
		{1, "1970-01-01T00:00:00.000000001Z"},
		{10, "1970-01-01T00:00:00.000000010Z"},
	} {
		if got := string(appendTimestamp(nil, test.ns)); got != test.want {
			t.Errorf("%d: got %s, want %s", test.ns, got, test.want)
		}
	}
}
