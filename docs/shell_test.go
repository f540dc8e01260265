// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// vedetteCommands returns the argument lists of the vedette commands in a line of a shell.
func vedetteCommands(line string) ([][]string, error) {
	segments, err := splitShell(line)
	if err != nil {
		return nil, err
	}
	var commands [][]string
	for _, words := range segments {
		if len(words) > 0 && words[0] == "sudo" {
			words = words[1:]
		}
		if len(words) > 0 && (words[0] == "vedette" || strings.HasSuffix(words[0], "bin/vedette")) {
			commands = append(commands, words[1:])
		}
	}
	return commands, nil
}

// splitShell splits a line into the words of its simple commands. It knows quotes, pipes, redirections
// and comments, which is all that the pages use.
func splitShell(line string) ([][]string, error) {
	segments := [][]string{nil}
	var word strings.Builder
	inWord, redirected := false, false
	end := func() {
		last := len(segments) - 1
		if inWord && !redirected {
			segments[last] = append(segments[last], word.String())
		}
		if inWord {
			redirected = false
		}
		word.Reset()
		inWord = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'' || c == '"':
			length := strings.IndexByte(line[i+1:], c)
			if length < 0 {
				return nil, errors.New("quote without end")
			}
			word.WriteString(line[i+1 : i+1+length])
			i += length + 1
			inWord = true
		case c == ' ':
			end()
		case c == '#' && !inWord:
			return segments, nil
		case strings.IndexByte("|&;", c) >= 0:
			end()
			segments = append(segments, nil)
		case c == '<' || c == '>':
			end()
			redirected = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	end()
	return segments, nil
}

func TestVedetteCommands(t *testing.T) {
	for line, want := range map[string][]string{
		"sudo vedette run -- ls /":                     {"run -- ls /"},
		"zcat x | vedette getevents -o compact":        {"getevents -o compact"},
		"vedette tp modify -m monitor a.yaml > b.yaml": {"tp modify -m monitor a.yaml"},
		"sudo bin/vedette agent &":                     {"agent"},
		"vedette a 'b | c' # d":                        {"a b | c"},
		"make demo":                                    nil,
		"vedette a | vedette b":                        {"a", "b"},
	} {
		commands, err := vedetteCommands(line)
		var got []string
		for _, words := range commands {
			got = append(got, strings.Join(words, " "))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("vedetteCommands(%q) = %q, %v, want %q", line, got, err, want)
		}
	}
	if _, err := vedetteCommands("vedette 'a"); err == nil {
		t.Error("a quote without end is accepted")
	}
}
