// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"github.com/vedette-io/vedette/internal/policy"
)

// lsmHook understands one entry of spec.lsmhooks, nil where the kernel does
// not have the hook.
func (f *frontend) lsmHook(l *policy.LsmHook, index int) *entry {
	path := policy.ItemPath("spec.lsmhooks", index)
	e := &entry{
		path: path,
		key:  HookKey{HookLSM, l.Hook},
		group: Group{
			Section: "lsmhooks", Entry: index, FunctionName: l.Hook,
			Message: l.Message, Tags: l.Tags, FollowBit: f.follow, TrackBit: f.track, NoticeBit: f.enforce,
		},
	}
	hook := hookContext{kind: HookLSM, args: functionArgs, key: e.key}
	if f.lookUp(&hook, path+".hook") != nil {
		return nil
	}
	f.args(e, &hook, l.Args, path)
	f.selectors(e, &hook, l.Selectors, path)
	return e
}
