// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vedette-io/vedette/internal/compile"
	"github.com/vedette-io/vedette/internal/policy"
)

var (
	fileInfo = compile.TypeInfo{CType: "struct file *", Kind: compile.KindPointer, Size: 8, Struct: "file"}
	textInfo = compile.TypeInfo{CType: "const char *", Kind: compile.KindPointer, Size: 8, Text: true}
	sizeInfo = compile.TypeInfo{CType: "size_t", Kind: compile.KindInt, Size: 8}
	intInfo  = compile.TypeInfo{CType: "int", Kind: compile.KindInt, Size: 4, Signed: true}
	voidInfo = compile.TypeInfo{CType: "void *", Kind: compile.KindPointer, Size: 8}
	modeInfo = compile.TypeInfo{CType: "umode_t", Kind: compile.KindInt, Size: 2}
	longInfo = compile.TypeInfo{CType: "unsigned long", Kind: compile.KindInt, Size: 8}
	sockInfo = compile.TypeInfo{CType: "struct sock *", Kind: compile.KindPointer, Size: 8, Struct: "sock"}
	capsInfo = compile.TypeInfo{CType: "const kernel_cap_t *", Kind: compile.KindPointer, Size: 8}
	pathInfo = compile.TypeInfo{CType: "struct path", Kind: compile.KindStruct, Size: 16, Struct: "path"}
	oddInfo  = compile.TypeInfo{CType: "struct odd", Kind: compile.KindStruct, Size: 24, Struct: "odd"}
	nameInfo = compile.TypeInfo{CType: "char[16]", Kind: compile.KindText, Size: 16}
)

// demo is the prototype of every function of the fake kernel.
var demo = &compile.Prototype{
	Text:   "int demo(struct file *file, const char *name, size_t count, int fd, void *any, umode_t mode)",
	Params: []compile.TypeInfo{fileInfo, textInfo, sizeInfo, intInfo, voidInfo, modeInfo},
	Result: intInfo,
}

// fakeTypes is a kernel whose functions are like demo, but for those whose
// names begin with no_ and hidden_.
type fakeTypes struct{}

func (fakeTypes) Prototype(key compile.HookKey) (*compile.Prototype, error) {
	switch {
	case strings.HasPrefix(key.Name, "no_"):
		return nil, fmt.Errorf("function %q: %w; did you mean demo?", key.Name, compile.ErrNotFound)
	case strings.HasPrefix(key.Name, "hidden_"):
		return nil, fmt.Errorf("no BTF: %w", compile.ErrUndescribed)
	case key.Kind == compile.HookSyscall:
		return nil, compile.ErrUndescribed
	}
	return demo, nil
}

// ends are what is at the ends of paths.
var ends = map[string]compile.TypeInfo{
	"count": sizeInfo, "number": intInfo, "mode": modeInfo, "name": nameInfo, "text": textInfo, "path": pathInfo, "file": fileInfo,
	"odd": oddInfo, "any": voidInfo, "caps": capsInfo, "sock": sockInfo, "flags": longInfo,
}

func (fakeTypes) Resolve(from compile.Origin, path string) (compile.Way, compile.TypeInfo, error) {
	info, ok := ends[path]
	if !ok {
		return compile.Way{}, info, fmt.Errorf("struct %s has no member %q", from.Struct, path)
	}
	way := compile.Way{Width: uint8(info.Size), Derefs: from.Param}
	way.Offsets[0] = uint32(len(from.Struct) + len(from.Module) + len(from.File))
	return way, info, nil
}

func (fakeTypes) Register(name string) (compile.Register, error) {
	switch name {
	case "rax":
		return compile.Register{Offset: 80, Width: 8}, nil
	case "di":
		return compile.Register{Offset: 112, Width: 2}, nil
	}
	return compile.Register{}, errors.New("no such register; did you mean rax?")
}

// typed is an input with the fake kernel.
func typed(policies ...*policy.Policy) compile.Input {
	in := input(policies...)
	in.Types = fakeTypes{}
	return in
}

// demoPolicy is a policy on a function of the fake kernel.
func demoPolicy(tb testing.TB, function, fields string) *policy.Policy {
	tb.Helper()
	return mustParse(tb, spec("types", "  kprobes:\n  - call: "+function+"\n    syscall: false\n"+indent(fields, "    ")))
}

// mustType compiles a policy with the fake kernel, and returns the plan and
// its only hook.
func mustType(tb testing.TB, p *policy.Policy) (*compile.Plan, *compile.Hook) {
	tb.Helper()
	plan, err := compile.Compile(typed(p))
	if err != nil {
		tb.Fatal(err)
	}
	return plan, plan.Hooks[0]
}

func TestAutoTypes(t *testing.T) {
	p := demoPolicy(t, "demo", `args: [{index: 0}, {index: 1}, {index: 1, sizeArgIndex: 3}, {index: 2}, {index: 3}, {index: 5}, {index: 4, sizeArgIndex: 3}]
return: true
returnArg: {index: 0}
`)
	plan, h := mustType(t, p)
	want := []compile.SlotType{
		compile.TypeFile, compile.TypeString, compile.TypeCharBuf, compile.TypeSize, compile.TypeS32, compile.TypeU16, compile.TypeCharBuf,
	}
	for i, slot := range h.Groups[0].Args {
		if got := h.Slots[slot].Type; got != want[i] {
			t.Errorf("arg %d has type %d, want %d", i, got, want[i])
		}
	}
	if h.Groups[0].ReturnType != compile.TypeS32 {
		t.Errorf("return type %d", h.Groups[0].ReturnType)
	}
	if len(plan.Warnings) != 0 {
		t.Errorf("warnings %v", plan.Warnings)
	}
}

func TestResolvedTypes(t *testing.T) {
	for text, want := range map[string]compile.SlotType{
		"resolve: number":                compile.TypeS32,
		"resolve: mode":                  compile.TypeU16,
		"resolve: name":                  compile.TypeString,
		"resolve: text":                  compile.TypeString,
		"resolve: path":                  compile.TypePath,
		"resolve: file":                  compile.TypeFile,
		"resolve: count":                 compile.TypeSize,
		"resolve: number, type: fd":      compile.TypeFD,
		"resolve: any, type: string":     compile.TypeString,
		"resolve: any, type: uint64":     compile.TypeU64,
		"resolve: file, type: uint64":    compile.TypeU64,
		"resolve: text, sizeArgIndex: 3": compile.TypeCharBuf,
		"resolve: number, type: uint64":  compile.TypeS32, // what BTF says
		"resolve: file, type: string":    compile.TypeFile,
		"resolve: odd, type: string":     compile.TypeString,
	} {
		_, h := mustType(t, demoPolicy(t, "demo", "args: [{index: 0, "+text+"}]\n"))
		if got := h.Slots[0].Type; got != want {
			t.Errorf("%s: type %d, want %d", text, got, want)
		}
	}
}

// TestResolvedSlots checks what a slot is shared by, and where its path begins.
func TestResolvedSlots(t *testing.T) {
	p := demoPolicy(t, "demo", `args:
- {index: 0, resolve: number}
- {index: 0, resolve: number, type: int}
- {index: 1, resolve: number}
- {index: 0, resolve: number, btfType: other}
- {index: 0, resolve: number, btfType: other, btfTypeModule: tun}
data:
- {index: 0, source: current_task, resolve: number, label: task}
- {index: 5, source: current_task, resolve: number}
- {index: 0, source: pt_regs, resolve: di}
selectors:
- matchData: [{index: 2, operator: Equal, values: ["7"]}, {args: [0], operator: GT, values: ["-1"]}]
`)
	_, h := mustType(t, p)
	g := h.Groups[0]
	if fmt.Sprint(g.Args, g.Data) != "[0 0 1 2 3] [4 4 5]" {
		t.Errorf("args %v, data %v", g.Args, g.Data)
	}
	if g.Labels[5] != "task" {
		t.Errorf("labels %q", g.Labels)
	}
	for slot, offset := range map[int]uint32{0: 0, 2: 5, 3: 8, 4: uint32(len("task_struct"))} {
		if got := h.Slots[slot].Way.Offsets[0]; got != offset {
			t.Errorf("slot %d begins at %d, want %d", slot, got, offset)
		}
	}
	if s := h.Slots[4]; s.From != compile.FromTask || !s.Filtered || s.IsArgument() {
		t.Errorf("task slot %+v", s)
	}
	if s := h.Slots[5]; s.From != compile.FromRegister || s.Type != compile.TypeU16 || s.Register.Offset != 112 || !s.Filtered {
		t.Errorf("register slot %+v", s)
	}
	values := compile.Values{Args: make([]compile.Value, len(h.Slots))}
	for _, c := range []struct {
		task, register int64
		failed, want   bool
	}{{0, 7, false, true}, {-1, 7, false, false}, {0, 8, false, false}, {0, 7, true, false}} {
		values.Args[4].Int, values.Args[4].Failed, values.Args[5].Int = uint64(c.task), c.failed, uint64(c.register)
		if got := h.Match(&values)[0] != 0; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestTypeErrors(t *testing.T) {
	uprobe := "  uprobes:\n  - path: /bin/sh\n    symbols: [main]\n"
	function := "  kprobes:\n  - call: demo\n    syscall: false\n"
	for name, test := range map[string]struct{ body, want string }{
		"no function":        {"  kprobes:\n  - call: «no_such\n    syscall: false\n", "did you mean demo?"},
		"no function of one": {"  kprobes:\n  - call: list:l\n    syscall: false\n  lists:\n  - name: l\n    values: [demo, «no_such]\n", "not found"},
		"no hook":            {"  lsmhooks:\n  - hook: «no_such\n", "not found"},
		"no raw tracepoint":  {"  tracepoints:\n  - {subsystem: s, event: «no_event, raw: true}\n", "not found"},
		"no argument":        {"  lsmhooks:\n  - hook: demo\n    args: [{index: «6, type: int}]\n", "does not exist here"},
		"beyond":             {"  tracepoints:\n  - {subsystem: s, event: e, raw: true, args: [{index: 0, type: uint64}]}\n  lsmhooks:\n  - hook: three\n    args: [{index: 1, type: string}, {index: 2, resolve: «nonsense}]\n", `has no member "nonsense": int demo(`},
		"auto":               {function + "    args: [{‹index: 4}]\n", "auto has no type for argument 4: give one: int demo("},
		"no path":            {function + "    args: [{index: 0, resolve: «nothing}]\n", `has no member "nothing"`},
		"odd end":            {function + "    args: [{‹index: 0, resolve: odd}]\n", "odd is struct odd, for which auto has no type: give one, or go on to one of its members"},
		"undescribed":        {"  kprobes:\n  - call: hidden_x\n    syscall: false\n    args: [{index: 0, resolve: «number}]\n", "not known (no BTF"},
		"undescribed auto":   {"  kprobes:\n  - call: hidden_x\n    syscall: false\n    args: [{‹index: 0}]\n", "not known (no BTF"},
		"path of a call":     {"  kprobes:\n  - call: sys_read\n    args: [{index: 1, resolve: «number}]\n", "give a btfType"},
		"path of a program":  {uprobe + "    args: [{index: 1, resolve: «number}]\n", "give a btfType"},
		"file of a program":  {uprobe + "    args: [{‹index: 1, resolve: file, btfType: x}]\n", "no argument of a program is a file"},
		"file of a call":     {"  kprobes:\n  - call: sys_read\n    args: [{‹index: 1, resolve: file, btfType: x}]\n", "no argument of a system call is a file"},
		"register":           {function + "    data: [{index: 0, source: pt_regs, resolve: «rxa}]\n", "did you mean rax?"},
		"returnCopy":         {"  kprobes:\n  - call: sys_read\n    args: [{index: 1, type: char_buf, returnCopy: «true, resolve: text, btfType: x}]\n", "cannot be copied at return"},
		"too many":           {function + "    args: [" + strings.Repeat("{index: 0, type: uint64, resolve: flags}, ", 8) + "]\n    data: [{‹index: 0, source: current_task, resolve: number}]\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			line, column := place(spec("refused", test.body))
			text := spec("refused", strings.NewReplacer("«", "", "‹", "").Replace(test.body))
			policies, diags := policy.Parse("test.yaml", []byte(text))
			if policy.HasErrors(diags) {
				if test.want != "" {
					t.Fatal(diags)
				}
				return // the parser has seen it
			}
			_, err := compile.Compile(typed(policies...))
			all := compile.PolicyErrors(err)
			if len(all) != 1 {
				t.Fatalf("error %v", err)
			}
			for _, d := range all[0].Diagnostics {
				if strings.Contains(d.Message, test.want) {
					if d.Pos.Line != line || column > 0 && d.Pos.Column != column {
						t.Errorf("%s: at %d:%d, want %d:%d", d.Message, d.Pos.Line, d.Pos.Column, line, column)
					}
					return
				}
			}
			t.Errorf("error %v, want %q", err, test.want)
		})
	}
}

// TestShorterPrototype checks arguments that the function does not have.
func TestShorterPrototype(t *testing.T) {
	short := *demo
	short.Params = short.Params[:3]
	whole := demo
	demo = &short
	defer func() { demo = whole }()
	_, err := compile.Compile(typed(demoPolicy(t, "demo", "args: [{index: 3, type: int}]\n")))
	if err == nil || !strings.Contains(err.Error(), "test.yaml:9:20: there is no argument 3 (counted from 0): int demo(") {
		t.Error(err)
	}
	_, err = compile.Compile(typed(demoPolicy(t, "demo", "args: [{index: 1, type: char_buf, sizeArgIndex: 4}]\n")))
	if err == nil || !strings.Contains(err.Error(), "there is no argument 4 (counted from 1): int demo(") {
		t.Error(err)
	}
}

func TestTypeWarnings(t *testing.T) {
	for args, want := range map[string]string{
		"{index: 0, type: int}":                       "argument 0 is struct file *, which is no int: int demo(",
		"{index: 0, type: path}":                      "argument 0 is struct file *, which is no path",
		"{index: 3, type: string}":                    "argument 3 is int, which is no string",
		"{index: 3, type: uint64}":                    "argument 3 is int, which is no uint64",
		"{index: 1, type: file}":                      "argument 1 is const char *, which is no file",
		"{index: 0, type: uint64, btfType: x}":        "it does nothing without",
		"{index: 0, type: uint64, resolve: number}":   "number is int: it is told as int32, not as uint64",
		"{index: 0, type: string, resolve: file}":     "file is struct file *: it is told as file, not as string",
		"{index: 0, type: file}":                      "",
		"{index: 0, type: uint64}":                    "",
		"{index: 1, type: string}":                    "",
		"{index: 1, type: char_buf, sizeArgIndex: 3}": "",
		"{index: 2, type: uint64}":                    "",
		"{index: 3, type: fd}":                        "",
		"{index: 3, type: uint32}":                    "",
		"{index: 4, type: file}":                      "",
		"{index: 4, type: string}":                    "",
		"{index: 4, type: nop}":                       "",
		"{index: 5, type: uint16}":                    "",
		"{index: 0, type: int, resolve: number}":      "",
		"{index: 0, type: sint32, resolve: number}":   "",
		"{index: 0, type: string, resolve: text}":     "",
	} {
		plan, err := compile.Compile(typed(demoPolicy(t, "demo", "args: ["+args+"]\n")))
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		found := plan.Warnings[0]
		if want == "" {
			if len(found) != 0 {
				t.Errorf("%s: %v", args, found)
			}
			continue
		}
		if len(found) != 1 || !strings.Contains(found[0].Message, want) || found[0].Pos.Line != 9 || found[0].Severity != policy.SeverityWarning {
			t.Errorf("%s: %+v, want %q", args, found, want)
		}
	}
}

// TestSyscallPrototypes checks calls with the table that needs no kernel.
func TestSyscallPrototypes(t *testing.T) {
	for args, want := range map[string]string{
		"{index: 5, type: int}":                       "there is no argument 5 (counted from 0): long read(unsigned int fd, char *buf, size_t count)",
		"{index: 0, type: string}":                    "argument 0 is unsigned int, which is no string",
		"{index: 0, type: fd}":                        "",
		"{index: 1, type: char_buf, sizeArgIndex: 3}": "",
	} {
		plan := mustCompile(t, readPolicy(t, "p", "["+args+"]", "[]"))
		found := plan.Warnings[0]
		if (want == "") != (len(found) == 0) || want != "" && !strings.Contains(found[0].Message, want) {
			t.Errorf("%s: %v, want %q", args, found, want)
		}
	}
	h := mustHook(t, mustCompile(t, readPolicy(t, "p", "[{index: 0}, {index: 1, sizeArgIndex: 3}, {index: 2}]", "[]")), "read")
	for i, want := range []compile.SlotType{compile.TypeU32, compile.TypeCharBuf, compile.TypeSize} {
		if h.Slots[i].Type != want {
			t.Errorf("arg %d has type %d, want %d", i, h.Slots[i].Type, want)
		}
	}
}

// TestWithoutTypes checks that what only the kernel knows is not judged.
func TestWithoutTypes(t *testing.T) {
	mustCompile(t, demoPolicy(t, "no_such", `args: [{index: 5, type: string}, {index: 0}, {index: 0, resolve: a.b.c}, {index: 0, type: int, resolve: a.b}]
data: [{index: 0, source: current_task, resolve: x.y}, {index: 0, source: pt_regs, resolve: rzx}]
return: true
returnArg: {index: 0}
selectors:
- matchArgs: [{index: 0, operator: Prefix, values: [a]}, {args: [2], operator: Equal, values: ["7"]}]
  matchData: [{index: 1, operator: GT, values: ["7"]}]
`))
}

func TestIgnoredFunctions(t *testing.T) {
	p := mustParse(t, spec("ignore", `  kprobes:
  - call: no_such
    syscall: false
    ignore: {callNotFound: true}
    args: [{index: 0, resolve: a.b}]
  - call: demo
    syscall: false
  - call: list:l
    syscall: false
    ignore: {callNotFound: true}
  - call: sys_no_such
    ignore: {callNotFound: true}
  lists:
  - name: l
    values: [no_one, demo, no_two]
`))
	plan, err := compile.Compile(typed(p))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Hooks) != 1 || len(plan.Hooks[0].Groups) != 2 {
		t.Errorf("%d hooks", len(plan.Hooks))
	}
	var got []string
	for _, s := range plan.Skipped {
		got = append(got, fmt.Sprintf("%s %d %s %v", s.Section, s.Entry, s.Function, s.Partial))
		if s.Reason == "" {
			t.Errorf("%s is skipped without a reason", s.Function)
		}
	}
	want := "kprobes 0 no_such false, kprobes 2 no_one true, kprobes 2 no_two true, kprobes 3 __x64_sys_no_such false"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("skipped %s", text)
	}
}
