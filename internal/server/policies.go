// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

// maxPolicy bounds the text of a policy in bytes, 1 MiB.
const maxPolicy = 1 << 20

// AddTracingPolicy checks and loads a policy.
func (s *sensors) AddTracingPolicy(ctx context.Context, request *tetragon.AddTracingPolicyRequest) (*tetragon.AddTracingPolicyResponse, error) {
	if size := len(request.Yaml); size > maxPolicy {
		return nil, status.Errorf(codes.InvalidArgument, "policy of %d bytes: at most %d are possible", size, maxPolicy)
	}
	if err := s.server.cfg.Policies.Add(ctx, request.Yaml, domainOr(request.Domain)); err != nil {
		return nil, policyError(err)
	}
	return &tetragon.AddTracingPolicyResponse{}, nil
}

// DeleteTracingPolicy unloads and forgets a policy.
func (s *sensors) DeleteTracingPolicy(ctx context.Context, request *tetragon.DeleteTracingPolicyRequest) (*tetragon.DeleteTracingPolicyResponse, error) {
	ref, err := newRef(request.Name, request.Namespace, request.Domain)
	if err != nil {
		return nil, err
	}
	if err := s.server.cfg.Policies.Delete(ctx, ref); err != nil {
		return nil, policyError(err)
	}
	return &tetragon.DeleteTracingPolicyResponse{}, nil
}

// ConfigureTracingPolicy enables or disables a policy and sets its mode.
func (s *sensors) ConfigureTracingPolicy(ctx context.Context, request *tetragon.ConfigureTracingPolicyRequest) (*tetragon.ConfigureTracingPolicyResponse, error) {
	ref, err := newRef(request.Name, request.Namespace, request.Domain)
	if err != nil {
		return nil, err
	}
	if request.Mode != nil && *request.Mode != tetragon.TracingPolicyMode_TP_MODE_ENFORCE &&
		*request.Mode != tetragon.TracingPolicyMode_TP_MODE_MONITOR {
		return nil, status.Errorf(codes.InvalidArgument, "mode %v: it is one of TP_MODE_ENFORCE, TP_MODE_MONITOR", *request.Mode)
	}
	if err := s.server.cfg.Policies.Configure(ctx, ref, request.Enable, request.Mode); err != nil {
		return nil, policyError(err)
	}
	return &tetragon.ConfigureTracingPolicyResponse{}, nil
}

// ListTracingPolicies returns the state of the policies.
func (s *sensors) ListTracingPolicies(_ context.Context, request *tetragon.ListTracingPoliciesRequest) (*tetragon.ListTracingPoliciesResponse, error) {
	return &tetragon.ListTracingPoliciesResponse{Policies: s.server.cfg.Policies.List(request.Domain)}, nil
}

// ListDomains returns the names of the domains.
func (s *sensors) ListDomains(context.Context, *tetragon.ListDomainsRequest) (*tetragon.ListDomainsResponse, error) {
	return &tetragon.ListDomainsResponse{Domains: s.server.cfg.Policies.Domains()}, nil
}

// EnableTracingPolicy works only where the agent is configured to serve deprecated calls.
func (s *sensors) EnableTracingPolicy(ctx context.Context, request *tetragon.EnableTracingPolicyRequest) (*tetragon.EnableTracingPolicyResponse, error) {
	if err := s.setEnabled(ctx, "EnableTracingPolicy", true, request.Name, request.Namespace, request.Domain); err != nil {
		return nil, err
	}
	return &tetragon.EnableTracingPolicyResponse{}, nil
}

// DisableTracingPolicy works only where the agent is configured to serve deprecated calls.
func (s *sensors) DisableTracingPolicy(ctx context.Context, request *tetragon.DisableTracingPolicyRequest) (*tetragon.DisableTracingPolicyResponse, error) {
	if err := s.setEnabled(ctx, "DisableTracingPolicy", false, request.Name, request.Namespace, request.Domain); err != nil {
		return nil, err
	}
	return &tetragon.DisableTracingPolicyResponse{}, nil
}

func (s *sensors) setEnabled(ctx context.Context, call string, enable bool, name, namespace, domain string) error {
	if !s.server.cfg.DeprecatedPolicyCalls {
		return status.Errorf(codes.Unimplemented, "%s is deprecated: use ConfigureTracingPolicy, "+
			"or start the agent with --enable-deprecated-tracingpolicy-grpc", call)
	}
	ref, err := newRef(name, namespace, domain)
	if err != nil {
		return err
	}
	return policyError(s.server.cfg.Policies.Configure(ctx, ref, &enable, nil))
}

func newRef(name, namespace, domain string) (Ref, error) {
	if name == "" {
		return Ref{}, status.Error(codes.InvalidArgument, "the name of the policy is missing")
	}
	return Ref{Name: name, Namespace: namespace, Domain: domainOr(domain)}, nil
}

func domainOr(domain string) string {
	if domain == "" {
		return DefaultDomain
	}
	return domain
}

// policyError keeps the text, which has the place of what is wrong, and adds a code.
func policyError(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []struct {
		is   error
		code codes.Code
	}{
		{ErrInvalid, codes.InvalidArgument},
		{ErrExists, codes.AlreadyExists},
		{ErrNotFound, codes.NotFound},
		{context.Canceled, codes.Canceled},
		{context.DeadlineExceeded, codes.DeadlineExceeded},
	} {
		if errors.Is(err, known.is) {
			return status.Error(known.code, err.Error())
		}
	}
	return err
}
