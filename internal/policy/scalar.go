// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// booleans are the plain words that Kubernetes reads as booleans: those of
// YAML 1.2 and the ones of YAML 1.1 that its parser kept.
var booleans = map[string]bool{
	"true": true, "True": true, "TRUE": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"false": false, "False": false, "FALSE": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

// decodeScalar stores a scalar in a string, boolean or integer. Null leaves
// the default in place.
func (d *decoder) decodeScalar(n *yaml.Node, path string, v reflect.Value) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.errorf(n, path, "", "expected %s, found %s", wanted(v), describe(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		d.decodeString(n, path, v)
	case reflect.Bool:
		d.decodeBool(n, path, v)
	default:
		d.decodeInteger(n, path, v)
	}
}

// wanted names the type of a value, for an error message.
func wanted(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	}
	return "an integer"
}

// isText reports whether a scalar is a string.
func isText(n *yaml.Node) bool {
	tag := n.ShortTag()
	return tag == tagStr || tag == tagTime
}

func (d *decoder) decodeString(n *yaml.Node, path string, v reflect.Value) {
	if isText(n) {
		v.SetString(n.Value)
		return
	}
	suggestion := ""
	switch n.ShortTag() {
	case tagInt, tagFloat, tagBool, tagMerge:
		suggestion = "quote it: " + quote(n.Value)
	}
	d.errorf(n, path, suggestion, "expected a string, found %s", describe(n))
}

func (d *decoder) decodeBool(n *yaml.Node, path string, v reflect.Value) {
	on, ok := booleans[n.Value]
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	tag := n.ShortTag()
	if ok && !quoted && (tag == tagBool || tag == tagStr) {
		v.SetBool(on)
		return
	}
	suggestion := "write true or false"
	if ok {
		suggestion = "write " + strconv.FormatBool(on) + " without quotes"
	}
	d.errorf(n, path, suggestion, "expected a boolean, found %s", describe(n))
}

func (d *decoder) decodeInteger(n *yaml.Node, path string, v reflect.Value) {
	value := integerOf(n)
	if value == nil {
		suggestion := ""
		if n.ShortTag() == tagStr && integerOf(&yaml.Node{Kind: yaml.ScalarNode, Tag: tagInt, Value: n.Value}) != nil {
			suggestion = "write " + escape(clip(n.Value)) + " without quotes"
		}
		d.errorf(n, path, suggestion, "expected an integer, found %s", describe(n))
		return
	}
	bits := v.Type().Bits()
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if v.CanInt() {
		high.Rsh(high, 1)
		low.Neg(high)
	}
	if value.Cmp(low) < 0 || value.Cmp(high) >= 0 {
		d.errorf(n, path, "", "%s is out of range, it must be between %s and %s", escape(clip(n.Value)), low, high.Sub(high, big.NewInt(1)))
		return
	}
	if v.CanInt() {
		v.SetInt(value.Int64())
	} else {
		v.SetUint(value.Uint64())
	}
}

// maxIntegerLength bounds the digits of an integer, in any base; 64 bits in
// base two with a sign and separators are shorter.
const maxIntegerLength = 160

// integerOf returns the value of a scalar that is an integer in any spelling
// that YAML has, or a floating-point number without fraction, or nil.
func integerOf(n *yaml.Node) *big.Int {
	text := strings.ReplaceAll(n.Value, "_", "")
	if text == "" || len(text) > maxIntegerLength {
		return nil
	}
	switch n.ShortTag() {
	case tagInt:
		if value, ok := new(big.Int).SetString(text, 0); ok {
			return value
		}
	case tagFloat:
		// A decimal integer beyond 64 bits resolves to a float, too.
		if value, ok := new(big.Int).SetString(text, 10); ok {
			return value
		}
		number, err := strconv.ParseFloat(text, 64)
		if err == nil && number == math.Trunc(number) && math.Abs(number) < 1<<53 {
			return big.NewInt(int64(number))
		}
	}
	return nil
}
