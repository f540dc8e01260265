// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/vedette-io/vedette/api/tetragon"
	"github.com/vedette-io/vedette/internal/filter"
)

const (
	// DefaultName is the name of the export that the agent's flags describe.
	DefaultName = "default"
	// MaxExports is how many named exports there can be: each has buffers of its own.
	MaxExports = 32
	// minBuffer and maxBuffer bound the buffer of a named export in bytes.
	minBuffer = 64 << 10
	maxBuffer = 256 << 20
)

// Spec describes a named export.
type Spec struct {
	Name        string
	Destination Destination
	Format      Format
	// AllowList and DenyList choose the events, FieldFilters their fields.
	AllowList, DenyList []*tetragon.Filter
	FieldFilters        []*tetragon.FieldFilter
	// RateLimit is how many events a minute are exported, negative for all.
	RateLimit int
	// Buffer is the size in bytes of each of the two buffers.
	Buffer int
	// Perm, Compress and Params belong to files.
	Perm     fs.FileMode
	Compress bool
	Params   Params
	// Facility is the number of syslog's.
	Facility int
}

// document is the YAML of named exports.
type document struct {
	Exports []yaml.Node `yaml:"exports"`
}

type specText struct {
	Name         string      `yaml:"name"`
	Destination  string      `yaml:"destination"`
	Format       string      `yaml:"format"`
	AllowList    []yaml.Node `yaml:"allowList"`
	DenyList     []yaml.Node `yaml:"denyList"`
	FieldFilters []yaml.Node `yaml:"fieldFilters"`
	RateLimit    *int        `yaml:"rateLimit"`
	BufferBytes  *int        `yaml:"bufferBytes"`
	Facility     string      `yaml:"facility"`
	File         *fileText   `yaml:"file"`
}

type fileText struct {
	MaxSizeMB        *int          `yaml:"maxSizeMB"`
	MaxBackups       *int          `yaml:"maxBackups"`
	RotationInterval time.Duration `yaml:"rotationInterval"`
	Compress         bool          `yaml:"compress"`
	Perm             string        `yaml:"perm"`
}

// ParseSpecs parses a YAML document with a list "exports". It is strict: what it does not know is an error. An
// error names the file and the line.
func ParseSpecs(file string, text []byte) ([]Spec, error) {
	var doc document
	if err := decodeStrict(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	specs := make([]Spec, 0, len(doc.Exports))
	for _, node := range doc.Exports {
		spec, err := parseSpec(&node)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: export %q: %w", file, node.Line, spec.Name, err)
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// CheckSpecs returns an error where exports cannot be together.
func CheckSpecs(specs []Spec) error {
	if len(specs) > MaxExports {
		return fmt.Errorf("%d exports: at most %d are possible", len(specs), MaxExports)
	}
	names, files := map[string]bool{DefaultName: true}, make(map[string]string)
	for _, spec := range specs {
		if names[spec.Name] {
			return fmt.Errorf("export %q: there is another one with this name", spec.Name)
		}
		names[spec.Name] = true
		path := spec.Destination.file()
		if other := files[path]; path != "" && other != "" {
			return fmt.Errorf("export %q: writes where %q does: %s", spec.Name, other, spec.Destination)
		}
		files[path] = spec.Name
	}
	return nil
}

// WritesTo reports whether the export writes to the file, as --export-filename names it.
func (s Spec) WritesTo(filename string) bool {
	mine := s.Destination.file()
	return mine != "" && (mine == filename || isStdout(mine) && isStdout(filename))
}

func decodeStrict(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("one document is expected")
	}
	return nil
}

var specName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func parseSpec(node *yaml.Node) (Spec, error) {
	var text specText
	raw, err := yaml.Marshal(node) // a node alone would be decoded without strictness
	if err != nil {
		return Spec{}, err
	}
	if err := decodeStrict(raw, &text); err != nil {
		return Spec{Name: text.Name}, fmt.Errorf("in the export: %w", err)
	}
	spec := Spec{Name: text.Name, RateLimit: Unlimited, Buffer: DefaultBuffer, Params: DefaultParams, Perm: 0o600}
	if !specName.MatchString(text.Name) {
		return spec, errors.New("name: must be of small letters, digits and dashes, at most 63")
	}
	if spec.Destination, err = ParseDestination(text.Destination); err != nil {
		return spec, err
	}
	if spec.Format, err = ParseFormat(text.Format); err != nil {
		return spec, err
	}
	if err := spec.setFilters(text); err != nil {
		return spec, err
	}
	if text.RateLimit != nil {
		spec.RateLimit = *text.RateLimit
	}
	if text.BufferBytes != nil {
		spec.Buffer = *text.BufferBytes
	}
	if spec.Buffer < minBuffer || spec.Buffer > maxBuffer {
		return spec, fmt.Errorf("bufferBytes: %d: must be from %d to %d", spec.Buffer, minBuffer, maxBuffer)
	}
	if text.Facility != "" && !spec.Destination.Syslog {
		return spec, errors.New("facility: is for destinations of syslog")
	}
	if spec.Facility, err = parseFacility(text.Facility); err != nil {
		return spec, err
	}
	return spec, spec.setFile(text.File)
}

func (s *Spec) setFile(text *fileText) error {
	if text == nil {
		return nil
	}
	if s.Destination.network != "file" {
		return errors.New("file: is for destinations that are files")
	}
	s.Compress, s.Params.RotationInterval = text.Compress, text.RotationInterval
	if text.MaxSizeMB != nil {
		s.Params.MaxSize = int64(*text.MaxSizeMB) * BytesPerMB
	}
	if text.MaxBackups != nil {
		s.Params.MaxBackups = *text.MaxBackups
	}
	if text.Perm != "" {
		var err error
		if s.Perm, err = ParsePerm(text.Perm); err != nil {
			return err
		}
	}
	return s.Params.Validate()
}

func (s *Spec) setFilters(text specText) error {
	allow, err := jsonLines(text.AllowList)
	if err == nil {
		s.AllowList, err = filter.ParseList(allow)
	}
	if err != nil {
		return fmt.Errorf("allowList: %w", err)
	}
	deny, err := jsonLines(text.DenyList)
	if err == nil {
		s.DenyList, err = filter.ParseList(deny)
	}
	if err != nil {
		return fmt.Errorf("denyList: %w", err)
	}
	fields, err := jsonLines(text.FieldFilters)
	if err == nil {
		s.FieldFilters, err = filter.ParseFieldFilters(fields)
	}
	if err != nil {
		return fmt.Errorf("fieldFilters: %w", err)
	}
	return nil
}

// jsonLines turns filters written in YAML into what the flags hold.
func jsonLines(nodes []yaml.Node) (string, error) {
	var out strings.Builder
	for _, node := range nodes {
		var value any
		if err := node.Decode(&value); err != nil {
			return "", err
		}
		line, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.String(), nil
}

// OpenSpec opens a named export. options say what its filters can ask for.
func OpenSpec(spec Spec, source Source, options filter.Options, log *slog.Logger) (*Exporter, error) {
	set, err := filter.Compile(spec.AllowList, spec.DenyList, options)
	if err != nil {
		return nil, fmt.Errorf("export %q: filters: %w", spec.Name, err)
	}
	fields, err := filter.CompileFieldFilters(spec.FieldFilters)
	if err != nil {
		return nil, fmt.Errorf("export %q: %w", spec.Name, err)
	}
	cfg := ExporterConfig{
		Name: spec.Name, Source: source, Filter: set, Fields: fields, RateLimit: spec.RateLimit, Format: spec.Format,
	}
	if spec.Destination.Syslog {
		cfg.header = newSyslog(spec.Facility, source.NodeName)
	}
	w, err := openSpec(spec, Config{
		Filename: spec.Destination.file(), Perm: spec.Perm, Compress: spec.Compress, Params: spec.Params, Buffer: spec.Buffer,
		MaxWait: -1, // waiting here would make all other exports wait
		Gap:     cfg.gap(), gapRoom: 8 << 10, Log: log.With("export", spec.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("export %q: %w", spec.Name, err)
	}
	return NewExporter(w, cfg), nil
}

func openSpec(spec Spec, cfg Config) (*Writer, error) {
	if cfg.Filename != "" {
		return Open(cfg)
	}
	return openRemote(cfg, spec.Destination, time.Now, housekeeping)
}
