// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/vedette-io/vedette/api/tetragon"
)

// ParseList parses the text of an export allow or deny list: JSON objects of the Filter message,
// separated by white space. It is strict: an unknown key is an error, which names its line.
func ParseList(text string) ([]*tetragon.Filter, error) {
	var list []*tetragon.Filter
	err := eachObject(text, func(object json.RawMessage) error {
		f := &tetragon.Filter{}
		list = append(list, f)
		return unmarshal(object, f)
	})
	return list, err
}

// ParseFieldFilters parses field filters: JSON objects of the FieldFilter message, separated by white
// space. Fields may be written in snake case or camel case.
func ParseFieldFilters(text string) ([]*tetragon.FieldFilter, error) {
	var list []*tetragon.FieldFilter
	err := eachObject(text, func(object json.RawMessage) error {
		f, err := parseFieldFilter(object)
		list = append(list, f)
		return err
	})
	return list, err
}

// parseFieldFilter takes the fields out of the object, because protojson accepts only camel case there.
func parseFieldFilter(object json.RawMessage) (*tetragon.FieldFilter, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(object, &keys); err != nil {
		return nil, err
	}
	mask := &fieldmaskpb.FieldMask{}
	if fields, given := keys["fields"]; given {
		var text string
		if err := json.Unmarshal(fields, &text); err != nil {
			return nil, errors.New("fields: a string of paths separated by commas is expected")
		}
		for path := range strings.SplitSeq(text, ",") {
			if path = strings.TrimSpace(path); path != "" {
				mask.Paths = append(mask.Paths, path)
			}
		}
		delete(keys, "fields")
	}
	rest, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	f := &tetragon.FieldFilter{}
	if err := unmarshal(rest, f); err != nil {
		return nil, err
	}
	f.Fields = mask
	return f, nil
}

func eachObject(text string, parse func(json.RawMessage) error) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	for n := 1; ; n++ {
		start := skipSpace(text, decoder.InputOffset())
		var object json.RawMessage
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && !bytes.HasPrefix(object, []byte("{")) {
			err = errors.New("a JSON object is expected")
		}
		if err == nil {
			err = parse(object)
		}
		if err != nil {
			return fmt.Errorf("line %d: filter %d: %w", 1+strings.Count(text[:errorOffset(err, start)], "\n"), n, err)
		}
	}
}

func skipSpace(text string, offset int64) int64 {
	rest := text[offset:]
	return offset + int64(len(rest)-len(strings.TrimLeft(rest, " \t\r\n")))
}

// errorOffset returns where a syntax error is, and for all others where the object begins.
func errorOffset(err error, start int64) int64 {
	var e *json.SyntaxError
	if errors.As(err, &e) && e.Offset > 0 {
		return max(start, e.Offset-1)
	}
	return start
}

// unmarshal removes what protojson puts before its errors: it differs from build to build, on purpose.
func unmarshal(object []byte, into proto.Message) error {
	err := protojson.Unmarshal(object, into)
	if err == nil {
		return nil
	}
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return errors.New(strings.TrimPrefix(text, "proto: "))
}
