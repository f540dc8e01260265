// SPDX-License-Identifier: Apache-2.0

package policy

// The operators of the policy schema. A parsed policy holds GreaterThan as
// [OpGT], LessThan as [OpLT] and NotSPortPriv as [OpNotSPortPriv], so a
// consumer needs to know one spelling only.
const (
	OpIn                 Operator = "In"
	OpNotIn              Operator = "NotIn"
	OpEqual              Operator = "Equal"
	OpNotEqual           Operator = "NotEqual"
	OpPrefix             Operator = "Prefix"
	OpNotPrefix          Operator = "NotPrefix"
	OpPostfix            Operator = "Postfix"
	OpNotPostfix         Operator = "NotPostfix"
	OpGT                 Operator = "GT"
	OpLT                 Operator = "LT"
	OpMask               Operator = "Mask"
	OpSPort              Operator = "SPort"
	OpNotSPort           Operator = "NotSPort"
	OpSPortPriv          Operator = "SPortPriv"
	OpNotSPortPriv       Operator = "NotSportPriv" // the schema's own spelling
	OpDPort              Operator = "DPort"
	OpNotDPort           Operator = "NotDPort"
	OpDPortPriv          Operator = "DPortPriv"
	OpNotDPortPriv       Operator = "NotDPortPriv"
	OpSAddr              Operator = "SAddr"
	OpNotSAddr           Operator = "NotSAddr"
	OpDAddr              Operator = "DAddr"
	OpNotDAddr           Operator = "NotDAddr"
	OpProtocol           Operator = "Protocol"
	OpFamily             Operator = "Family"
	OpState              Operator = "State"
	OpInMap              Operator = "InMap"
	OpNotInMap           Operator = "NotInMap"
	OpCapabilitiesGained Operator = "CapabilitiesGained"
	OpInRange            Operator = "InRange"
	OpNotInRange         Operator = "NotInRange"
	OpSubString          Operator = "SubString"
	OpSubStringIgnCase   Operator = "SubStringIgnCase"
	OpCelExpr            Operator = "CelExpr"
	OpFileType           Operator = "FileType"
	OpNotFileType        Operator = "NotFileType"
)

// operatorAliases maps the other spellings that policies may use to the one
// that a parsed policy holds.
var operatorAliases = map[Operator]Operator{
	"GreaterThan":  OpGT,
	"LessThan":     OpLT,
	"NotSPortPriv": OpNotSPortPriv,
}

// argOperators are the operators of matchArgs, matchData and matchReturnArgs.
var argOperators = []Operator{
	OpEqual, OpNotEqual, OpPrefix, OpNotPrefix, OpPostfix, OpNotPostfix, OpGT, OpLT, OpMask,
	OpSPort, OpNotSPort, OpSPortPriv, OpNotSPortPriv, OpDPort, OpNotDPort, OpDPortPriv, OpNotDPortPriv,
	OpSAddr, OpNotSAddr, OpDAddr, OpNotDAddr, OpProtocol, OpFamily, OpState, OpInMap, OpNotInMap,
	OpCapabilitiesGained, OpInRange, OpNotInRange, OpSubString, OpSubStringIgnCase, OpCelExpr,
	OpFileType, OpNotFileType,
}

// setOperators are the operators of filters on sets of process facts.
var setOperators = []Operator{OpIn, OpNotIn}

// binaryOperators are the operators of matchBinaries and matchParentBinaries.
var binaryOperators = []Operator{OpIn, OpNotIn, OpPrefix, OpNotPrefix, OpPostfix, OpNotPostfix}

// Canonical returns the spelling of the operator that a parsed policy holds.
func (o Operator) Canonical() Operator {
	if c, ok := operatorAliases[o]; ok {
		return c
	}
	return o
}

// IsNegated reports whether the operator is the negation of another one. A
// negated filter does not match a value that could not be read.
func (o Operator) IsNegated() bool {
	switch o {
	case OpNotIn, OpNotEqual, OpNotPrefix, OpNotPostfix, OpNotSPort, OpNotSPortPriv, OpNotDPort,
		OpNotDPortPriv, OpNotSAddr, OpNotDAddr, OpNotInMap, OpNotInRange, OpNotFileType:
		return true
	}
	return false
}

// takesValues reports whether a filter with the operator needs values.
func (o Operator) takesValues() bool {
	switch o {
	case OpSPortPriv, OpNotSPortPriv, OpDPortPriv, OpNotDPortPriv, OpCapabilitiesGained:
		return false
	}
	return true
}
