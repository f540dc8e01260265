// SPDX-License-Identifier: Apache-2.0

package policy

// Kind is the kind of a policy resource.
type Kind string

// The two kinds of policy resources of cilium.io/v1alpha1.
const (
	KindTracingPolicy           Kind = "TracingPolicy"
	KindTracingPolicyNamespaced Kind = "TracingPolicyNamespaced"
)

// Policy is one parsed, defaulted and validated policy resource.
type Policy struct {
	Kind     Kind
	Metadata Metadata
	Spec     Spec
	// Source is where the policy came from; positions refer to it.
	Source *Source

	positions *positions
}

// Metadata is the part of a Kubernetes object's metadata that a policy uses.
type Metadata struct {
	Name        string            `policy:"name,required"`
	Namespace   string            `policy:"namespace"`
	Labels      map[string]string `policy:"labels"`
	Annotations map[string]string `policy:"annotations"`
}

// Pos is a position in the policy's text. Line and Column count from 1, the
// column in characters (code points), not bytes; the zero Pos means "not
// known" (a defaulted field).
type Pos struct {
	Line   int
	Column int
}

// Spec is the body of a policy.
type Spec struct {
	Kprobes           []Kprobe            `policy:"kprobes"`
	Fentries          []Kprobe            `policy:"fentries"`
	Tracepoints       []Tracepoint        `policy:"tracepoints"`
	Uprobes           []Uprobe            `policy:"uprobes"`
	Usdts             []Usdt              `policy:"usdts"`
	LsmHooks          []LsmHook           `policy:"lsmhooks"`
	Loader            bool                `policy:"loader"`
	PodSelector       *LabelSelector      `policy:"podSelector"`
	ContainerSelector *LabelSelector      `policy:"containerSelector"`
	HostSelector      *LabelSelector      `policy:"hostSelector"`
	NodeSelector      *LabelSelector      `policy:"nodeSelector"`
	Lists             []List              `policy:"lists"`
	Enforcers         []Enforcer          `policy:"enforcers"`
	Options           []Option            `policy:"options"`
	SelectorsMacros   map[string]Selector `policy:"selectorsMacros"`
}

// Kprobe is one entry of spec.kprobes or spec.fentries.
type Kprobe struct {
	Pos             Pos
	Call            string     `policy:"call,required"`
	Return          bool       `policy:"return"`
	Syscall         bool       `policy:"syscall,default=true"`
	Message         string     `policy:"message"`
	Args            []Arg      `policy:"args"`
	Data            []Arg      `policy:"data"`
	ReturnArg       *Arg       `policy:"returnArg"`
	ReturnArgAction string     `policy:"returnArgAction"`
	Selectors       []Selector `policy:"selectors"`
	Tags            []string   `policy:"tags"`
	Ignore          *Ignore    `policy:"ignore"`
}

// Ignore says which failures of a hook do not fail its policy.
type Ignore struct {
	CallNotFound              bool `policy:"callNotFound"`
	DigestVerificationFailure bool `policy:"digestVerificationFailure"`
}

// Tracepoint is one entry of spec.tracepoints.
type Tracepoint struct {
	Pos       Pos
	Subsystem string     `policy:"subsystem,required"`
	Event     string     `policy:"event,required"`
	Args      []Arg      `policy:"args"`
	Selectors []Selector `policy:"selectors"`
	Message   string     `policy:"message"`
	Tags      []string   `policy:"tags"`
	Raw       bool       `policy:"raw"`
}

// Uprobe is one entry of spec.uprobes.
type Uprobe struct {
	Pos           Pos
	Path          string     `policy:"path,required"`
	BTFPath       string     `policy:"btfPath"`
	Symbols       []string   `policy:"symbols"`
	Offsets       []uint64   `policy:"offsets"`
	Addrs         []uint64   `policy:"addrs"`
	RefCtrOffsets []uint64   `policy:"refCtrOffsets"`
	Message       string     `policy:"message"`
	Selectors     []Selector `policy:"selectors"`
	Args          []Arg      `policy:"args"`
	Data          []Arg      `policy:"data"`
	Tags          []string   `policy:"tags"`
	Return        bool       `policy:"return"`
	ReturnArg     *Arg       `policy:"returnArg"`
	BinaryDigests []string   `policy:"binaryDigests"`
	Ignore        *Ignore    `policy:"ignore"`
}

// Usdt is one entry of spec.usdts.
type Usdt struct {
	Pos       Pos
	Path      string     `policy:"path,required"`
	BTFPath   string     `policy:"btfPath"`
	Provider  string     `policy:"provider,required"`
	Name      string     `policy:"name,required"`
	Args      []Arg      `policy:"args"`
	Selectors []Selector `policy:"selectors"`
	Message   string     `policy:"message"`
	Tags      []string   `policy:"tags"`
}

// LsmHook is one entry of spec.lsmhooks.
type LsmHook struct {
	Pos       Pos
	Hook      string     `policy:"hook,required"`
	Args      []Arg      `policy:"args"`
	Selectors []Selector `policy:"selectors"`
	Message   string     `policy:"message"`
	Tags      []string   `policy:"tags"`
}

// Arg describes one argument of a hook, or one datum.
type Arg struct {
	Pos           Pos
	Index         uint32  `policy:"index,required"`
	Type          ArgType `policy:"type,default=auto"`
	Resolve       string  `policy:"resolve"`
	SizeArgIndex  uint32  `policy:"sizeArgIndex"`
	ReturnCopy    bool    `policy:"returnCopy"`
	MaxData       bool    `policy:"maxData"`
	Label         string  `policy:"label"`
	Source        string  `policy:"source"`
	BTFType       string  `policy:"btfType"`
	BTFTypeModule string  `policy:"btfTypeModule"`
}

// ArgType is the declared type of an argument, as spelled in a policy.
type ArgType string

// Selector is one selector of a hook: its filters are ANDed, and the first
// selector of a hook that matches acts.
type Selector struct {
	Pos                    Pos
	Label                  string             `policy:"label"`
	MatchPIDs              []PIDFilter        `policy:"matchPIDs"`
	MatchArgs              []ArgFilter        `policy:"matchArgs"`
	MatchData              []ArgFilter        `policy:"matchData"`
	MatchActions           []Action           `policy:"matchActions"`
	MatchReturnArgs        []ArgFilter        `policy:"matchReturnArgs"`
	MatchReturnActions     []Action           `policy:"matchReturnActions"`
	MatchBinaries          []BinaryFilter     `policy:"matchBinaries"`
	MatchParentBinaries    []BinaryFilter     `policy:"matchParentBinaries"`
	MatchNamespaces        []NamespaceFilter  `policy:"matchNamespaces"`
	MatchNamespaceChanges  []NamespaceChange  `policy:"matchNamespaceChanges"`
	MatchCapabilities      []CapabilityFilter `policy:"matchCapabilities"`
	MatchCapabilityChanges []CapabilityFilter `policy:"matchCapabilityChanges"`
	MatchWorkloads         []WorkloadFilter   `policy:"matchWorkloads"`
	Macros                 []string           `policy:"macros"`
}

// PIDFilter is one entry of matchPIDs.
type PIDFilter struct {
	Pos            Pos
	Operator       Operator `policy:"operator,required"`
	Values         []uint32 `policy:"values,required"`
	IsNamespacePID bool     `policy:"isNamespacePID"`
	FollowForks    bool     `policy:"followForks"`
}

// ArgFilter is one entry of matchArgs, matchData or matchReturnArgs. Args,
// where given, takes precedence over Index and counts positions in the
// hook's args list; Index is the function's argument (a tracepoint's field).
type ArgFilter struct {
	Pos       Pos
	Index     uint32   `policy:"index"`
	Args      []uint32 `policy:"args"`
	Operator  Operator `policy:"operator,required"`
	Values    []string `policy:"values"`
	ValuesPos []Pos    // one per value
}

// BinaryFilter is one entry of matchBinaries or matchParentBinaries.
type BinaryFilter struct {
	Pos            Pos
	Operator       Operator `policy:"operator,required"`
	Values         []string `policy:"values,required"`
	FollowChildren bool     `policy:"followChildren"`
}

// NamespaceFilter is one entry of matchNamespaces. Values are inode numbers
// or "host_ns".
type NamespaceFilter struct {
	Pos       Pos
	Namespace string   `policy:"namespace,required"`
	Operator  Operator `policy:"operator,required"`
	Values    []string `policy:"values,required"`
}

// NamespaceChange is one entry of matchNamespaceChanges.
type NamespaceChange struct {
	Pos      Pos
	Operator Operator `policy:"operator,required"`
	Values   []string `policy:"values,required"`
}

// CapabilityFilter is one entry of matchCapabilities or
// matchCapabilityChanges.
type CapabilityFilter struct {
	Pos                   Pos
	Type                  string   `policy:"type,default=Effective"`
	Operator              Operator `policy:"operator,required"`
	IsNamespaceCapability bool     `policy:"isNamespaceCapability"`
	Values                []string `policy:"values,required"`
}

// WorkloadFilter is one entry of matchWorkloads.
type WorkloadFilter struct {
	Pos               Pos
	PodSelector       *LabelSelector `policy:"podSelector"`
	ContainerSelector *LabelSelector `policy:"containerSelector"`
	HostSelector      *LabelSelector `policy:"hostSelector"`
}

// Operator is a filter's operator, in the spelling of the policy schema.
type Operator string

// Action is one entry of matchActions or matchReturnActions.
type Action struct {
	Pos              Pos
	Action           ActionType `policy:"action,required"`
	ArgFd            uint32     `policy:"argFd"`
	ArgName          uint32     `policy:"argName"`
	ArgUrl           string     `policy:"argUrl"`
	ArgFqdn          string     `policy:"argFqdn"`
	ArgError         int32      `policy:"argError"`
	ArgSig           uint32     `policy:"argSig"`
	ArgSock          uint32     `policy:"argSock"`
	ArgIndex         uint32     `policy:"argIndex"`
	ArgValue         uint32     `policy:"argValue"`
	ArgRegs          []string   `policy:"argRegs"`
	ArgNewSymbol     string     `policy:"argNewSymbol"`
	ArgNewAddr       uint64     `policy:"argNewAddr"`
	ArgNewOffset     uint64     `policy:"argNewOffset"`
	RateLimit        string     `policy:"rateLimit"`
	RateLimitScope   string     `policy:"rateLimitScope"`
	KernelStackTrace bool       `policy:"kernelStackTrace"`
	UserStackTrace   bool       `policy:"userStackTrace"`
	ImaHash          bool       `policy:"imaHash"`
}

// ActionType is the name of an action, in the spelling of the policy schema.
type ActionType string

// List is one entry of spec.lists.
type List struct {
	Pos     Pos
	Name    string   `policy:"name,required"`
	Type    string   `policy:"type"`
	Values  []string `policy:"values"`
	Pattern string   `policy:"pattern"`
}

// Enforcer is one entry of spec.enforcers.
type Enforcer struct {
	Pos   Pos
	Calls []string `policy:"calls,required"`
}

// Option is one entry of spec.options.
type Option struct {
	Pos   Pos
	Name  string `policy:"name,required"`
	Value string `policy:"value"`
}

// LabelSelector is a Kubernetes label selector.
type LabelSelector struct {
	Pos              Pos
	MatchLabels      map[string]string `policy:"matchLabels"`
	MatchExpressions []LabelExpression `policy:"matchExpressions"`
}

// LabelExpression is one requirement of a [LabelSelector].
type LabelExpression struct {
	Key      string   `policy:"key,required"`
	Operator string   `policy:"operator,required"`
	Values   []string `policy:"values"`
}
