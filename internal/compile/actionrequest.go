// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"net/url"

	"github.com/vedette-io/vedette/internal/policy"
)

// getURL understands the URL that is asked for when the event arrives.
func (f *frontend) getURL(r *Rule, a *policy.Action, path string) {
	path += ".argUrl"
	u, err := url.Parse(a.ArgUrl)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		f.errorf(path, "action GetUrl needs argUrl, an http or https URL, not %s", quote(a.ArgUrl))
		return
	}
	f.request(r, Request{RequestURL, a.ArgUrl}, u.Hostname(), path)
}

// dnsLookup understands the name that is looked up when the event arrives.
func (f *frontend) dnsLookup(r *Rule, a *policy.Action, path string) {
	path += ".argFqdn"
	if a.ArgFqdn == "" {
		f.errorf(path, "action DnsLookup needs argFqdn, the name of a host")
		return
	}
	f.request(r, Request{RequestName, a.ArgFqdn}, a.ArgFqdn, path)
}

// request enters a request, unless the agent may not ask that host: whoever
// may write policies may not make the agent talk to anybody.
func (f *frontend) request(r *Rule, q Request, host, path string) {
	if f.in.CheckHost != nil {
		if err := f.in.CheckHost(host); err != nil {
			f.errorf(path, "%v", err)
			return
		}
	}
	r.Request = q
}
