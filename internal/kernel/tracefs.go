// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Tracefs reads the tracepoints' descriptions. It works on a mount of its
// own that is in no directory, so that nothing depends on where the machine
// has tracefs mounted, or whether.
type Tracefs struct {
	root *os.File
}

// OpenTracefs opens tracefs. It needs Linux 5.2 (fsopen, fsmount).
func OpenTracefs() (*Tracefs, error) {
	root, err := mount("tracefs")
	if err != nil {
		return nil, err
	}
	return &Tracefs{root: root}, nil
}

// Close gives the mount up.
func (t *Tracefs) Close() error { return t.root.Close() }

// Format describes the record of a tracepoint.
type Format struct {
	ID     uint64
	Fields []Field // by number, as policies count them: the common ones included
}

// Field is one field of a tracepoint's record.
type Field struct {
	Name   string
	CType  string
	Offset uint16 // bytes
	Size   uint16 // bytes
	Signed bool
	// DataLoc says that the field is the place of a string in the record.
	DataLoc bool
}

// ErrNoTracepoint is returned for a tracepoint that the kernel does not have.
var ErrNoTracepoint = errors.New("no such tracepoint")

var tracepointName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// Format reads the description of a tracepoint. The error matches
// [ErrNoTracepoint] if there is none of that name.
func (t *Tracefs) Format(subsystem, event string) (*Format, error) {
	if !tracepointName.MatchString(subsystem) || !tracepointName.MatchString(event) {
		return nil, fmt.Errorf("tracepoint %q: %w", subsystem+"/"+event, ErrNoTracepoint)
	}
	path := "events/" + subsystem + "/" + event + "/format"
	fd, err := unix.Openat(int(t.root.Fd()), path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("tracepoint %q: %w", subsystem+"/"+event, ErrNoTracepoint)
	}
	if err != nil {
		return nil, fmt.Errorf("tracepoint %q: %w", subsystem+"/"+event, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("tracepoint %q: %w", subsystem+"/"+event, err)
	}
	format, err := parseFormat(text)
	if err != nil {
		return nil, fmt.Errorf("tracepoint %q: %w", subsystem+"/"+event, err)
	}
	return format, nil
}

var fieldLine = regexp.MustCompile(`^\tfield:(.*);\toffset:(\d+);\tsize:(\d+);\tsigned:(\d);`)

// parseFormat reads a format file: an "ID:" line and one "field:" line each.
func parseFormat(text []byte) (*Format, error) {
	format := &Format{}
	sc := bufio.NewScanner(bytes.NewReader(text))
	for sc.Scan() {
		line := sc.Text()
		if id, ok := strings.CutPrefix(line, "ID: "); ok {
			n, err := strconv.ParseUint(id, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("id %q: %w", id, err)
			}
			format.ID = n
			continue
		}
		m := fieldLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		field, err := parseField(m)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", m[1], err)
		}
		format.Fields = append(format.Fields, field)
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if format.ID == 0 || len(format.Fields) == 0 {
		return nil, errors.New("format has no id or no fields")
	}
	return format, nil
}

func parseField(m []string) (Field, error) {
	offset, err := strconv.ParseUint(m[2], 10, 16)
	if err != nil {
		return Field{}, err
	}
	size, err := strconv.ParseUint(m[3], 10, 16)
	if err != nil {
		return Field{}, err
	}
	decl := strings.TrimSpace(m[1])
	at := strings.LastIndexAny(decl, " *")
	if at < 0 {
		return Field{}, errors.New("no name")
	}
	name, _, array := strings.Cut(decl[at+1:], "[")
	ctype := strings.TrimSpace(decl[:at+1])
	if array {
		ctype += "[]"
	}
	return Field{
		Name: name, CType: ctype, Offset: uint16(offset), Size: uint16(size), Signed: m[4] == "1",
		DataLoc: strings.HasPrefix(ctype, "__data_loc"),
	}, nil
}
