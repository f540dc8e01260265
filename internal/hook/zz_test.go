package hook

import (
	"fmt"
	"github.com/vedette-io/vedette/internal/compile"
	"strings"
	"testing"
)

func rawPolicy(filters string) string {
	return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: x}\nspec:\n  tracepoints:\n  - subsystem: a\n    event: b\n    raw: true\n    args: [{index: 0, type: int}, {index: 1, type: uint64}, {index: 3, type: string}, {index: 4, type: string}]\n    selectors:\n    - matchArgs: [" + filters + "]\n"
}

func TestZZ(t *testing.T) {
	_, engine := mustEngine(t, Options{})
	sub := func(i int, op, v string) string {
		return fmt.Sprintf("{index: %d, operator: %s, values: ['%s']}", i, op, v)
	}
	for name, f := range map[string][]string{
		"equal":       {sub(3, "Equal", "x")},
		"postfix":     {sub(3, "Postfix", "x")},
		"2postfix":    {sub(3, "Postfix", "x"), sub(4, "Postfix", "x")},
		"sub":         {sub(3, "SubString", "x")},
		"2sub":        {sub(3, "SubString", "x"), sub(3, "SubStringIgnCase", "x")},
		"postfix+sub": {sub(3, "Postfix", "x"), sub(3, "SubString", "x")},
		"equal+sub":   {sub(3, "Equal", "x"), sub(3, "SubString", "x")},
		"all":         {sub(3, "Equal", "x"), sub(3, "Postfix", "x"), sub(3, "SubString", "x"), sub(3, "SubStringIgnCase", "x"), sub(4, "Equal", "x"), sub(4, "Postfix", "x"), sub(4, "SubString", "x"), sub(4, "SubStringIgnCase", "x")},
		"all3":        {sub(3, "SubString", "x"), sub(3, "SubString", "y"), sub(3, "SubString", "z"), sub(3, "SubStringIgnCase", "x"), sub(4, "SubString", "x"), sub(4, "SubString", "y"), sub(4, "SubStringIgnCase", "x")},
	} {
		plan := mustPlan(t, rawPolicy(strings.Join(f, ", ")))
		h := plan.Hooks[0]
		var _ *compile.Hook = h
		shape, err := engine.shapeAt(h, 1, place{attachment: AttachRawTracepoint, function: h.Key.Name})
		mustNil(t, err)
		p, err := engine.load(h, shape, 2)
		if err != nil {
			s := err.Error()
			if len(s) > 300 {
				s = s[:300]
			}
			t.Log(name, s)
			continue
		}
		info, err := p.coll.Programs[progRawTracepoint].Info()
		mustNil(t, err)
		n, _ := info.VerifiedInstructions()
		x, _ := info.TranslatedSize()
		t.Log(name, n, x)
		p.close()
	}
}
