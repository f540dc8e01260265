// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chart = "deploy/chart/vedette"

// variants are values that turn on what the defaults leave off.
var variants = map[string]string{
	"defaults":           "tests.enabled=true",
	"events in a log":    "export.mode=sidecar",
	"events on stdout":   "export.mode=stdout,export.allowlist=x,export.fieldFilters=y",
	"no events":          "export.mode=none",
	"metrics":            "metrics.enabled=true,metrics.serviceMonitor.enabled=true",
	"container runtime":  "cri.enabled=true,cri.socket=/run/crio/crio.sock",
	"without Kubernetes": "kubernetes.enabled=false,clusterName=one,hostNetwork=false,dnsPolicy=ClusterFirst",
	"names of one's own": "fullnameOverride=sentry,serviceAccount.create=false,serviceAccount.name=other,image.digest=sha256:" + strings.Repeat("0", 64),
	"policies of files":  "kubernetes.policies=false,agent.options.rb-size-total=16M",
	"no RBAC, no CRDs":   "rbac.create=false,crds.install=false",
}

// TestChart has helm and kubeconform look at the chart with every variant of its values.
func TestChart(t *testing.T) {
	schemas := mustSchemas(t)
	for name, values := range variants {
		t.Run(name, func(t *testing.T) {
			mustRun(t, "helm", "lint", "--strict", "--set", values, chart)
			text := mustRun(t, "helm", "template", "vedette", chart, "--namespace", "kube-system", "--set", values)
			checkManifests(t, schemas, text)
		})
	}
	for _, values := range []string{"frob=1", "export.mode=syslog", "hostPaths.proc=relative", "image.digest=sha256:12", "health.port=0"} {
		if r := try(t, "", "helm", "lint", "--set", values, chart); r.code == 0 {
			t.Errorf("helm lint takes %s", values)
		}
	}
}

// TestManifests checks that the plain manifests are those that the chart makes, and the demonstration's.
func TestManifests(t *testing.T) {
	schemas := mustSchemas(t)
	fresh := t.TempDir()
	mustRun(t, "scripts/manifests.sh", "helm", fresh)
	made, err := filepath.Glob(filepath.Join(fresh, "*.yaml"))
	if err != nil || len(made) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, path := range made {
		name := filepath.Join("deploy/manifests", filepath.Base(path))
		text := mustRead(t, root(name))
		if text != mustRead(t, path) {
			t.Errorf("%s is not what the chart makes: run scripts/manifests.sh", name)
		}
		checkManifests(t, schemas, text)
	}
	checkManifests(t, schemas, mustRead(t, root("deploy/demo/iris-nopriv.yaml")))
	broken := strings.Replace(mustRead(t, root("deploy/demo/iris-nopriv.yaml")), "stdin: true", "stdinn: true", 1)
	if r := kubeconform(t, schemas, broken); r.code == 0 {
		t.Error("kubeconform takes a field that there is not")
	}
}

// checkManifests has kubeconform look at manifests. There is no schema here for what other projects define.
func checkManifests(tb testing.TB, schemas, text string) {
	tb.Helper()
	if r := kubeconform(tb, schemas, text); r.code != 0 {
		tb.Errorf("kubeconform: %s%s", r.stdout, r.stderr)
	}
}

func kubeconform(tb testing.TB, schemas, text string) result {
	tb.Helper()
	return try(tb, text, "kubeconform", "-schema-location", schemas, "-skip", "ServiceMonitor", "-summary", "-")
}

func mustRead(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
