// SPDX-License-Identifier: Apache-2.0

package observe

// Request is what user space is to ask another machine for when an event arrives.
type Request struct {
	Kind RequestKind
	// Target is a URL, or the name of a host.
	Target string
}

// RequestKind says what a [Request] is; the numbers are those of compile.RequestKind.
type RequestKind uint8

// The kinds of requests; 0 is none.
const (
	RequestURL RequestKind = iota + 1
	RequestName
)

// request hands a request on.
func (o *Observer) request(r Request) {
	if r.Kind != 0 && o.opts.Request != nil {
		o.opts.Request(r)
	}
}
