// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette-io/vedette/internal/event"
)

// selector is a Kubernetes label selector: requirements that must all hold. The empty one selects
// everything.
type selector []requirement

// requirement is a condition on one label.
type requirement struct {
	key    string
	values []string // nil: any value
	// negated requirements hold when the label is missing or has none of the values.
	negated bool
}

func (s selector) matches(labels event.Labels) bool {
	for _, r := range s {
		value, found := labels.Get(r.key)
		if holds := found && (r.values == nil || slices.Contains(r.values, value)); holds == r.negated {
			return false
		}
	}
	return true
}

// parseSelector parses requirements separated by commas: "key=value", "key==value", "key!=value",
// "key in (a, b)", "key notin (a, b)", "key" and "!key".
func parseSelector(text string) (selector, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("%d bytes: at most %d are possible", len(text), maxLength)
	}
	p := selectorParser{text: text}
	if p.peek() == "" {
		return nil, nil
	}
	var s selector
	for {
		r, err := p.requirement()
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", p.start+1, err)
		}
		s = append(s, r)
		switch token := p.take(); token {
		case "":
			return s, nil
		case ",":
		default:
			return nil, fmt.Errorf("column %d: unexpected %q: a comma separates requirements", p.start+1, token)
		}
	}
}

// selectorParser reads tokens: words, "," "(" ")" "!" "=" "==" "!=", and "" at the end.
type selectorParser struct {
	text       string
	start, end int // the token read last
}

func (p *selectorParser) take() string {
	p.start = p.end
	for p.start < len(p.text) && strings.ContainsRune(" \t\n\r", rune(p.text[p.start])) {
		p.start++
	}
	rest := p.text[p.start:]
	length := len(rest)
	for _, symbol := range []string{"==", "!=", "=", "!", ",", "(", ")"} {
		if strings.HasPrefix(rest, symbol) {
			p.end = p.start + len(symbol)
			return symbol
		}
	}
	if i := strings.IndexAny(rest, "=!,() \t\n\r"); i >= 0 {
		length = i
	}
	p.end = p.start + length
	return rest[:length]
}

func (p *selectorParser) peek() string {
	start, end := p.start, p.end
	token := p.take()
	p.start, p.end = start, end
	return token
}

func (p *selectorParser) requirement() (requirement, error) {
	token := p.take()
	if token == "!" {
		key, err := checkKey(p.take())
		return requirement{key: key, negated: true}, err
	}
	key, err := checkKey(token)
	if err != nil {
		return requirement{}, err
	}
	switch p.peek() {
	case "", ",":
		return requirement{key: key}, nil
	}
	operator := p.take()
	r := requirement{key: key, negated: operator == "!=" || operator == "notin"}
	switch operator {
	case "=", "==", "!=":
		r.values, err = p.one()
	case "in", "notin":
		r.values, err = p.several()
	default:
		err = fmt.Errorf("unexpected %q: it is one of =, ==, !=, in, notin", operator)
	}
	return r, err
}

// one reads the value of an equality, which may be empty.
func (p *selectorParser) one() ([]string, error) {
	switch p.peek() {
	case "", ",":
		return []string{""}, nil
	}
	value, err := checkValue(p.take())
	return []string{value}, err
}

func (p *selectorParser) several() ([]string, error) {
	if token := p.take(); token != "(" {
		return nil, fmt.Errorf("unexpected %q: values are in parentheses", token)
	}
	var values []string
	for {
		value := ""
		if next := p.peek(); next != "," && next != ")" {
			var err error
			if value, err = checkValue(p.take()); err != nil {
				return nil, err
			}
		}
		values = append(values, value)
		switch token := p.take(); token {
		case ")":
			return values, nil
		case ",":
		default:
			return nil, fmt.Errorf("unexpected %q: values are separated by commas and end with a parenthesis", token)
		}
	}
}

// Lengths of the parts of a label, from the Kubernetes API.
const (
	maxLabelPrefix = 253
	maxLabelName   = 63
)

func checkKey(key string) (string, error) {
	if key == "" {
		return "", errors.New("a label's key is missing")
	}
	prefix, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		prefix, name = "x", key
	}
	if len(prefix) > maxLabelPrefix || !isLabelText(prefix, ".-") || len(name) > maxLabelName || !isLabelText(name, ".-_") {
		return "", fmt.Errorf("%q is not a label's key", key)
	}
	return key, nil
}

func checkValue(value string) (string, error) {
	if len(value) > maxLabelName || !isLabelText(value, ".-_") {
		return "", fmt.Errorf("%q is not a label's value", value)
	}
	return value, nil
}

// isLabelText says whether text is made of letters, digits and, except at its ends, punctuation.
func isLabelText(text, punctuation string) bool {
	for i := range len(text) {
		c := text[i]
		inner := i > 0 && i < len(text)-1 && strings.IndexByte(punctuation, c) >= 0
		if !inner && !isAlphanumeric(c) {
			return false
		}
	}
	return text != ""
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
