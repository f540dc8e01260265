// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"
	"runtime"

	"github.com/vedette-io/vedette/internal/event"
	"github.com/vedette-io/vedette/internal/record"
)

// What events say of arguments without a value.
var (
	badAddress    = []byte("Bad address for basic type")
	badDescriptor = []byte("Bad file descriptor")
	badPath       = []byte("Path could not be read")
	notReturned   = []byte("Return of the call was not seen")
	notInRecord   = []byte("Argument is not in the record")
)

// badWays say at which component of a path an address was that leads nowhere.
var badWays = func() (all [maxComponents][]byte) {
	for i := range all {
		all[i] = fmt.Appendf(nil, "Bad address encountered during resolve dereference at depth %d", i)
	}
	return all
}()

// maxComponents is how many components a path can have.
const maxComponents = 16

// unresolved is the flag of a path whose first components are missing.
const unresolved = "unresolvedPathComponents"

var rootPath = []byte("/")

// argOf returns the argument that events show of a value. Its bytes are those of the record.
func argOf(v *record.Value) event.Arg {
	if v.Status&record.StatusAtReturn != 0 {
		return errorArg(notReturned)
	}
	if v.Status&record.StatusUnreached != 0 && v.Num < uint64(len(badWays)) {
		return errorArg(badWays[v.Num])
	}
	if v.Status&record.StatusFailed != 0 {
		return errorArg(failure(v.Type))
	}
	switch v.Type {
	case record.ValueS8, record.ValueS16, record.ValueS32:
		return event.Arg{Kind: event.ArgInt, Int: int64(v.Num)}
	case record.ValueU8, record.ValueU16, record.ValueU32:
		return event.Arg{Kind: event.ArgUint, Uint: v.Num}
	case record.ValueS64:
		return event.Arg{Kind: event.ArgLong, Int: int64(v.Num)}
	case record.ValueCapability:
		return event.Arg{Kind: event.ArgCapability, Int: int64(v.Num), Text: event.CapabilityName(int(int32(v.Num)))}
	case record.ValueKernelCap:
		return event.Arg{Kind: event.ArgKernelCap, Uint: v.Num}
	case record.ValueCapInheritable:
		return event.Arg{Kind: event.ArgCapInheritable, Uint: v.Num}
	case record.ValueCapPermitted:
		return event.Arg{Kind: event.ArgCapPermitted, Uint: v.Num}
	case record.ValueCapEffective:
		return event.Arg{Kind: event.ArgCapEffective, Uint: v.Num}
	case record.ValueBPFCmd:
		return event.Arg{Kind: event.ArgBPFCmd, Int: int64(v.Num)}
	case record.ValueU64, record.ValueSize:
		return event.Arg{Kind: event.ArgSize, Uint: v.Num}
	case record.ValueString, record.ValueFilename, record.ValueDataLoc, record.ValueNetDevice:
		return event.Arg{Kind: event.ArgString, Bytes: v.Content}
	case record.ValueFD, record.ValueFile, record.ValueKiocb:
		return pathArg(event.ArgFile, v)
	case record.ValuePath, record.ValueDentry:
		return pathArg(event.ArgPath, v)
	case record.ValueBinprm:
		return pathArg(event.ArgLinuxBinprm, v)
	case record.ValueCharBuf, record.ValueCharIovec, record.ValueIovIter:
		return bufferArg(v)
	case record.ValueSockaddrUn:
		return sockaddrUnArg(v)
	case record.ValueSyscall64:
		return event.Arg{Kind: event.ArgSyscallID, Uint: v.Num, Text: abi(v.Status)}
	}
	return event.Arg{Kind: event.ArgNone}
}

// returnArg returns what events show of a return value. The record has the whole register; each
// policy may take another part of it for the value.
func returnArg(v *record.Value, t record.ValueType) event.Arg {
	typed := *v
	typed.Type = t
	switch t {
	case record.ValueS8:
		typed.Num = uint64(int8(v.Num))
	case record.ValueU8:
		typed.Num = uint64(uint8(v.Num))
	case record.ValueS16:
		typed.Num = uint64(int16(v.Num))
	case record.ValueU16:
		typed.Num = uint64(uint16(v.Num))
	case record.ValueS32:
		typed.Num = uint64(int32(v.Num))
	case record.ValueU32:
		typed.Num = uint64(uint32(v.Num))
	case record.ValueCapability, record.ValueBPFCmd:
		typed.Num = uint64(int32(v.Num))
	}
	return argOf(&typed)
}

// isRegister reports whether a return value of the type is the register itself.
func isRegister(t record.ValueType) bool {
	return t < record.ValueString || t == record.ValueCapability || t == record.ValueBPFCmd
}

func pathArg(kind event.ArgKind, v *record.Value) event.Arg {
	arg := event.Arg{Kind: kind, Bytes: v.Content, Mode: uint16(v.Num)}
	if len(arg.Bytes) == 0 {
		arg.Bytes = rootPath
	}
	if v.Status&record.StatusUnresolved != 0 {
		arg.Flags = unresolved
	}
	return arg
}

func bufferArg(v *record.Value) event.Arg {
	if isCut(v) {
		return event.Arg{Kind: event.ArgTruncatedBytes, Bytes: v.Content, Uint: v.Num}
	}
	return event.Arg{Kind: event.ArgBytes, Bytes: v.Content}
}

// isCut reports whether there is more of a value than the record and its data hold. Of scattered buffers
// the whole length need not be known.
func isCut(v *record.Value) bool {
	switch v.Type {
	case record.ValueCharBuf:
		return v.Num > uint64(len(v.Content))
	case record.ValueCharIovec, record.ValueIovIter:
		return v.Num > uint64(len(v.Content)) || v.Status&record.StatusTruncated != 0 && v.Status&record.StatusData == 0
	}
	return v.Status&(record.StatusTruncated|record.StatusUnresolved) != 0
}

func errorArg(message []byte) event.Arg {
	return event.Arg{Kind: event.ArgError, Bytes: message}
}

func failure(t record.ValueType) []byte {
	switch t {
	case record.ValueFD:
		return badDescriptor
	case record.ValueFile, record.ValuePath, record.ValueBinprm, record.ValueKiocb, record.ValueDentry:
		return badPath
	}
	return badAddress
}

// abi returns the name that events give to the calling convention of a system call.
func abi(status record.Status) string {
	compat := status&record.StatusCompat != 0
	switch {
	case runtime.GOARCH == "amd64" && compat:
		return "i386"
	case runtime.GOARCH == "amd64":
		return "x64"
	case runtime.GOARCH == "arm64" && compat:
		return "arm32"
	}
	return runtime.GOARCH
}
