// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kinds are those that the chart and the demonstration have.
var kinds = []string{
	"ClusterRole", "ClusterRoleBinding", "ConfigMap", "CustomResourceDefinition", "DaemonSet", "Pod", "Role", "RoleBinding",
	"Service", "ServiceAccount",
}

// mustSchemas writes a JSON schema for each kind from the API server's own OpenAPI document, strict as kubeconform's
// -strict is: names of fields that are not known are errors. It returns the place for kubeconform.
func mustSchemas(tb testing.TB) string {
	tb.Helper()
	var document struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal([]byte(mustLine(tb, "kubectl get --raw /openapi/v2")), &document); err != nil {
		tb.Fatal(err)
	}
	for _, definition := range document.Definitions {
		tighten(definition)
	}
	dir := tb.TempDir()
	written := 0
	for name, definition := range document.Definitions {
		for _, file := range schemaFiles(definition) {
			text, err := json.Marshal(map[string]any{"$ref": "#/definitions/" + name, "definitions": document.Definitions})
			if err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
				tb.Fatal(err)
			}
			written++
		}
	}
	if written < len(kinds) {
		tb.Fatalf("%d schemas for %d kinds", written, len(kinds))
	}
	return filepath.Join(dir, "{{.ResourceKind}}{{.KindSuffix}}.json")
}

// schemaFiles are the names by which kubeconform asks for the schema of a definition: kind, first part of the group, and
// version.
func schemaFiles(definition map[string]any) []string {
	var files []string
	ids, _ := definition["x-kubernetes-group-version-kind"].([]any)
	for _, one := range ids {
		id, _ := one.(map[string]any)
		kind, _ := id["kind"].(string)
		group, _ := id["group"].(string)
		version, _ := id["version"].(string)
		for _, wanted := range kinds {
			if kind != wanted {
				continue
			}
			suffix := "-" + version
			if first, _, _ := strings.Cut(group, "."); first != "" {
				suffix = "-" + first + suffix
			}
			files = append(files, strings.ToLower(kind)+suffix+".json")
		}
	}
	return files
}

// tighten makes of a definition of OpenAPI 2 what JSON schema means by it.
func tighten(definition map[string]any) {
	if definition["format"] == "int-or-string" {
		definition["type"] = []string{"integer", "string"}
	}
	if _, has := definition["properties"]; has && definition["x-kubernetes-preserve-unknown-fields"] == nil {
		if _, says := definition["additionalProperties"]; !says {
			definition["additionalProperties"] = false
		}
	}
	for _, key := range []string{"properties", "items", "additionalProperties"} {
		switch below := definition[key].(type) {
		case map[string]any:
			if key != "properties" {
				tighten(below)
				continue
			}
			for _, property := range below {
				if p, ok := property.(map[string]any); ok {
					tighten(p)
				}
			}
		}
	}
}
