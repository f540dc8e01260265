// SPDX-License-Identifier: Apache-2.0

package server

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette-io/vedette/api/tetragon"
)

// dumpProcesses answers with the processes that the agent remembers.
func (s *sensors) dumpProcesses(request *tetragon.DumpProcessCacheReqArgs) (*tetragon.GetDebugResponse, error) {
	if s.server.cfg.Processes == nil {
		return nil, status.Error(codes.Unimplemented, "this agent does not tell what its process cache holds")
	}
	if request == nil {
		request = &tetragon.DumpProcessCacheReqArgs{}
	}
	return &tetragon.GetDebugResponse{
		Flag: tetragon.ConfigFlag_CONFIG_FLAG_DUMP_PROCESS_CACHE,
		Arg: &tetragon.GetDebugResponse_Processes{Processes: &tetragon.DumpProcessCacheResArgs{
			Processes: s.server.cfg.Processes(request),
		}},
	}, nil
}
