// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/vedette-io/vedette/api/tetragon"
)

// eventSelection is which events getevents shows, and which of their fields.
type eventSelection struct {
	namespaces, namespaceRegexes []string
	pods, processes, containers  []string
	eventTypes, policies         []string
	celExpressions               []string
	host                         bool
	includeFields, excludeFields []string
}

func (s *eventSelection) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVarP(&s.eventTypes, "event-types", "e", nil, "only events of these `types`, e.g. PROCESS_EXEC,PROCESS_EXIT or exec,exit")
	flags.StringSliceVar(&s.processes, "process", nil, "only processes whose binary matches a regular expression, e.g. ^/usr/bin/")
	flags.StringSliceVar(&s.policies, "policy-names", nil, "only events of these policies, e.g. protect-secret")
	flags.StringSliceVar(&s.pods, "pods", nil, "only pods whose name matches a regular expression, e.g. ^web-")
	flags.StringSliceVarP(&s.namespaces, "namespaces", "n", nil, "only these Kubernetes namespaces, e.g. default")
	flags.StringSliceVar(&s.namespaceRegexes, "namespace-regex", nil, "only Kubernetes namespaces that match a regular expression, e.g. ^team-")
	flags.StringSliceVar(&s.containers, "containers", nil, "only containers whose name matches a regular expression, e.g. ^app$")
	flags.BoolVar(&s.host, "host", false, "only processes of the host, those in no pod")
	flags.StringArrayVar(&s.celExpressions, "cel-expression", nil, `only events for which a CEL expression is true, e.g. 'process_exec.process.uid == 0u'`)
	flags.StringSliceVarP(&s.includeFields, "include-fields", "f", nil, "keep only these `fields`, e.g. process.binary,process.pid")
	flags.StringSliceVarP(&s.excludeFields, "exclude-fields", "F", nil, "leave out these `fields`, e.g. parent,process.pod")
	addFlagAliases(flags, map[string]string{
		"namespace":    "namespaces",
		"pod":          "pods",
		"processes":    "process",
		"container":    "containers",
		"event-type":   "event-types",
		"policy-name":  "policy-names",
		"process-name": "process",
	})
}

// addFlagAliases gives flags second names.
func addFlagAliases(flags *pflag.FlagSet, aliases map[string]string) {
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if full, ok := aliases[name]; ok {
			name = full
		}
		return pflag.NormalizedName(name)
	})
}

// request returns the request for the selected events: exactly one filter, which may be empty, and
// the field filters.
func (s *eventSelection) request() (*tetragon.GetEventsRequest, error) {
	types, err := parseEventTypes(s.eventTypes)
	if err != nil {
		return nil, err
	}
	namespaces := slices.Clone(s.namespaces)
	if s.host {
		namespaces = append(namespaces, "")
	}
	return &tetragon.GetEventsRequest{
		AllowList: []*tetragon.Filter{{
			BinaryRegex:        s.processes,
			Namespace:          namespaces,
			NamespaceRegex:     s.namespaceRegexes,
			PodRegex:           s.pods,
			ContainerNameRegex: s.containers,
			EventSet:           types,
			PolicyNames:        s.policies,
			CelExpression:      s.celExpressions,
		}},
		FieldFilters: s.fieldFilters(),
	}, nil
}

func (s *eventSelection) fieldFilters() []*tetragon.FieldFilter {
	var filters []*tetragon.FieldFilter
	add := func(fields []string, action tetragon.FieldFilterAction) {
		if len(fields) > 0 {
			filters = append(filters, &tetragon.FieldFilter{Fields: &fieldmaskpb.FieldMask{Paths: fields}, Action: action})
		}
	}
	add(s.includeFields, tetragon.FieldFilterAction_INCLUDE)
	add(s.excludeFields, tetragon.FieldFilterAction_EXCLUDE)
	return filters
}

// The types of events of which a user may write the last part only: exec for PROCESS_EXEC.
const eventTypePrefix = "PROCESS_"

// parseEventTypes parses the names of event types.
func parseEventTypes(names []string) ([]tetragon.EventType, error) {
	var types []tetragon.EventType
	for _, name := range names {
		upper := strings.ToUpper(strings.TrimSpace(name))
		number, ok := tetragon.EventType_value[upper]
		if !ok {
			number, ok = tetragon.EventType_value[eventTypePrefix+upper]
		}
		if !ok {
			known := eventTypeNames()
			suggestion := didYouMean(upper, "", known)
			if suggestion == "" {
				suggestion = didYouMean(eventTypePrefix+upper, "", known)
			}
			if suggestion == "" {
				suggestion = "; there are " + strings.Join(known, ", ")
			}
			return nil, fmt.Errorf("unknown event type %q%s", name, suggestion)
		}
		types = append(types, tetragon.EventType(number))
	}
	return types, nil
}

// eventTypeNames returns the names of the types of events.
func eventTypeNames() []string {
	var names []string
	for _, number := range slices.Sorted(maps.Keys(tetragon.EventType_name)) {
		if number != int32(tetragon.EventType_UNDEF) {
			names = append(names, tetragon.EventType_name[number])
		}
	}
	return names
}
