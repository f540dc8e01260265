// SPDX-License-Identifier: Apache-2.0

// Wellknown writes to standard output a FileDescriptorSet of the google.protobuf files that the .proto
// files of the interface import. protoc reads it with --descriptor_set_in, so that generating needs
// no package with these files and always uses those of the Go module that go.mod pins.
package main
