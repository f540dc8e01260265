// SPDX-License-Identifier: Apache-2.0

// Package stream hands events to subscribers, each at its own pace.
//
// A [Hub] takes every event once and puts it into the bounded queue of each [Subscription] that wants
// it. The message is made once for all of them, and not at all when nobody wants the event. A
// subscriber that is too slow loses the newest events; where they are missing it receives a report
// with their exact number. Nobody waits for a subscriber.
package stream
