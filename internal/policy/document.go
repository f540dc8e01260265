// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is one YAML document of a text.
type document struct {
	// line is how many lines of the source precede the document.
	line int
	text string
	// attempts is how many bytes may still be parsed to locate syntax
	// errors, shared by the documents of a text.
	attempts *int
}

// maxDocuments bounds the documents of one text.
const maxDocuments = 1000

// splitDocuments cuts a text at its document markers. It is done here and not
// by the YAML parser because the parser gives up at the first broken document
// and the others must still load. A line that begins with a marker is never
// part of a value: YAML forbids it even in block and quoted scalars.
func splitDocuments(text string) []document {
	var docs []document
	start, startLine, begun, attempts := 0, 0, false, maxAttempts
	line, at := 0, 0
	cut := func(end, endLine int) {
		if begun {
			docs = append(docs, document{startLine, text[start:end], &attempts})
		}
		start, startLine, begun = end, endLine, false
	}
	for at < len(text) {
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		current := text[at:end]
		switch {
		case isMarker(current, "---"):
			if begun {
				cut(at, line)
			}
			begun = true
		case isMarker(current, "..."):
			cut(end, line+1)
		case !begun:
			content := strings.TrimSpace(current)
			begun = content != "" && content[0] != '#' && current[0] != '%'
		}
		at, line = end, line+1
	}
	cut(len(text), line)
	return docs
}

// isMarker reports whether a line is a document marker.
func isMarker(line, marker string) bool {
	rest, ok := strings.CutPrefix(line, marker)
	return ok && (rest == "" || strings.ContainsAny(rest[:1], " \t\r\n"))
}

// parse returns the root node of the document, or nil for an empty one.
func (d document) parse() (root *yaml.Node, err *syntaxError) {
	defer func() {
		// The YAML parser is foreign code that runs on hostile input.
		if r := recover(); r != nil {
			root, err = nil, &syntaxError{pos: Pos{Line: d.line + 1, Column: 1}, message: "text cannot be parsed as YAML"}
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(d.text))
	var node, rest yaml.Node
	if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, d.syntaxError(err)
	}
	// Text behind the end of the root node is only read by another Decode.
	if err := decoder.Decode(&rest); err != nil && !errors.Is(err, io.EOF) {
		return nil, d.syntaxError(err)
	}
	root = node.Content[0]
	if root.Kind == yaml.ScalarNode && root.Value == "" && root.ShortTag() == tagNull {
		return nil, nil
	}
	shiftLines(&node, d.line)
	return root, nil
}

// shiftLines moves the nodes of a tree down, from lines of the document to
// lines of the source. Aliases are not followed: what they name is in the
// tree.
func shiftLines(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shiftLines(c, lines)
	}
}

// syntaxError says that a document is not YAML.
type syntaxError struct {
	pos        Pos
	message    string
	suggestion string
}

var (
	yamlErrorLine = regexp.MustCompile(`^line (\d+): `)
	yamlUnknown   = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError turns an error of the YAML parser into one with a position.
// The parser names a line only, and no line at all for an unknown anchor.
func (d document) syntaxError(err error) *syntaxError {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	lines := strings.Split(strings.TrimSuffix(d.text, "\n"), "\n")
	line := 1
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		message = message[len(m[0]):]
		line, _ = strconv.Atoi(m[1])
	}
	if m := yamlUnknown.FindStringSubmatch(message); m != nil {
		return &syntaxError{pos: d.find(lines, "*"+m[1]),
			message: fmt.Sprintf("anchor %s is not defined before it is used", quote(m[1]))}
	}
	if located := d.locate(len(lines)); located > 0 {
		line = located
	}
	line = max(1, min(line, len(lines)))
	text := lines[line-1]
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t\r"))]
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		return &syntaxError{pos: Pos{d.line + line, tab + 1},
			message: "not valid YAML: tab in the indentation", suggestion: "indent with spaces"}
	}
	return &syntaxError{pos: Pos{d.line + line, len(indent) + 1}, message: "not valid YAML: " + message}
}

// maxAttempts bounds how many bytes are parsed again to locate the syntax
// errors of one text, so that a hostile one cannot keep the parser busy.
const maxAttempts = 4 << 20

// locate returns the line of a syntax error, counted from 1, or 0 where that
// would take too long. The parser often names the line where the enclosing
// block begins. The line that matters is the one behind the longest run of
// first lines that are YAML: there the text breaks, and there an unclosed
// bracket or quote was opened.
func (d document) locate(lines int) int {
	end := len(d.text)
	for line := lines; line > 1; line-- {
		end = strings.LastIndexByte(d.text[:end-1], '\n') + 1
		if *d.attempts -= end; *d.attempts < 0 {
			return 0
		}
		var node yaml.Node
		if yaml.Unmarshal([]byte(d.text[:end]), &node) == nil {
			return line
		}
	}
	return 1
}

// find returns the position of the first occurrence of a word.
func (d document) find(lines []string, word string) Pos {
	for i, text := range lines {
		if at := strings.Index(text, word); at >= 0 {
			return Pos{Line: d.line + i + 1, Column: utf8.RuneCountInString(text[:at]) + 1}
		}
	}
	return Pos{Line: d.line + 1, Column: 1}
}

// checkCharacters reports the characters that a policy's text must not have:
// anything but UTF-8, control characters, and the characters beside the line
// feed that YAML takes for line breaks, which would make lines ambiguous. It
// reports the first of each line and whether the text is free of them.
func checkCharacters(src *Source, r *report) bool {
	clean, reported := true, 0
	pos := Pos{Line: 1, Column: 0}
	for i, c := range src.Text {
		if c == '\n' {
			pos = Pos{Line: pos.Line + 1, Column: 0}
			continue
		}
		pos.Column++
		message := forbidden(src.Text[i:], c)
		if message == "" {
			continue
		}
		clean = false
		if reported < pos.Line {
			r.add(Diagnostic{Pos: pos, Message: message})
			reported = pos.Line
		}
	}
	return clean
}

// forbidden says why the first character of the text must not be there, or
// returns "".
func forbidden(text string, c rune) string {
	switch {
	case c == utf8.RuneError && !strings.HasPrefix(text, "\ufffd"):
		return fmt.Sprintf("invalid UTF-8: byte 0x%02x", text[0])
	case c == '\t', c == '\r' && strings.HasPrefix(text, "\r\n"):
		return ""
	case c == 0:
		return "NUL character"
	case unicode.IsControl(c), c == '\u2028', c == '\u2029', c == '\ufeff', c == '\ufffe', c == '\uffff':
		return fmt.Sprintf("control character %U", c)
	}
	return ""
}
