// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/test/cluster/local"
)

const (
	database = "/usr/irissys/bin/irisdb -w /home/irisowner -s /usr/irissys/mgr"
	keyFile  = "/usr/irissys/mgr/iris.key"
	seedName = "iris-read-file-sigkill"
)

// TestSeed is the scenario that started the project, as a user does it: the steps of the demonstration, unchanged, and
// what they leave to be tried by hand. Its parts build on each other.
func TestSeed(t *testing.T) {
	s := &seed{page: openPage(t)}
	definitions, err := filepath.Glob(root(chart + "/files/crds/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.resources = len(definitions) > 0
	if !s.resources {
		t.Log("the chart has no definitions of policies: they are loaded into the agent of the pod's node, and events are without pods")
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"install", s.install}, {"helm test", s.helmTest}, {"database", s.database}, {"events", s.events}, {"json", s.json},
		{"policy", s.policy}, {"kill", s.kill}, {"try", s.try}, {"database goes on", s.goesOn}, {"bystander", s.bystander},
		{"agent restart", s.agentRestart}, {"API server away", s.serverAway}, {"delete", s.delete}, {"upgrade", s.upgrade},
		{"page", s.page.finish},
	} {
		if !t.Run(part.name, part.run) {
			t.FailNow()
		}
	}
}

type seed struct {
	page        *page
	node, agent string // where the database is
	// resources says that policies are resources of the cluster, and that agents know pods.
	resources bool
}

// step runs a step of the demonstration, and returns all that a person sees.
func (s *seed) step(t *testing.T, name string) string {
	t.Helper()
	return mustRun(t, "env", "NODE_PROC="+local.HostProc, "sh", "-c", `exec "$0" 2>&1`, "deploy/demo/"+name)
}

func (s *seed) install(t *testing.T) {
	s.page.saw("install", s.step(t, "40-install.sh"))
	again := s.step(t, "40-install.sh")
	if !strings.Contains(again, "REVISION: 2") {
		t.Errorf("the step cannot be run again:\n%s", again)
	}
	ready := mustRun(t, "kubectl", "-n", "kube-system", "get", "ds", "vedette", "-o", "jsonpath={.status.numberReady} {.status.desiredNumberScheduled}")
	if want := fmt.Sprintf("%d %d", nodes, nodes); ready != want {
		t.Errorf("agents ready: %s, want %s", ready, want)
	}
}

func (s *seed) helmTest(t *testing.T) {
	s.page.saw("helm-test", mustLine(t, "helm test vedette -n kube-system --logs"))
}

func (s *seed) database(t *testing.T) {
	s.page.saw("database", s.step(t, "50-database.sh"))
	s.node = nodeOf(t, "iris-nopriv")
	s.agent = agentOn(t, s.node)
}

// session gives commands to a database that is started from outside.
func session(t *testing.T, lines ...string) string {
	t.Helper()
	argv := append([]string{"kubectl", "exec", "-i", "iris-nopriv", "--"}, strings.Fields(database)...)
	r := try(t, strings.Join(lines, "\n")+"\n", argv...)
	if r.code != 0 {
		t.Fatalf("session: %+v", r)
	}
	return r.stdout
}

// watch watches the pod while something is done until a line of each pattern was seen, and returns what was printed. It
// begins once a first event says that the watcher is there.
func (s *seed) watch(t *testing.T, output string, do func(), patterns ...string) string {
	t.Helper()
	argv := []string{"kubectl", "exec", "-n", "kube-system", s.agent, "--", "vedette", "getevents", "-o", output}
	if s.resources {
		argv = append(argv, "--pods", "iris-nopriv")
	} else {
		argv = append(argv, "--process", "^(/usr)?/bin/(bash|cat|pwd|true)$")
	}
	w := startWatch(t, argv...)
	defer w.stop()
	eventually(t, "first event", 30*time.Second, func() error {
		mustLine(t, "kubectl exec iris-nopriv -- true first")
		time.Sleep(500 * time.Millisecond)
		return w.has(`exit.*true.*first`)
	})
	before := len(w.text())
	do()
	eventually(t, "events", 30*time.Second, func() error {
		for _, pattern := range patterns {
			if err := w.has(pattern); err != nil {
				return err
			}
		}
		return nil
	})
	// One kernel has all nodes here, and what else the machine does.
	var lines []string
	for line := range strings.Lines(w.text()[before:]) {
		if ours.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return "$ " + typed(argv) + "\n" + strings.Join(lines, "")
}

// typed is a command as one types it.
func typed(argv []string) string {
	words := slices.Clone(argv)
	for i, word := range words {
		if strings.ContainsAny(word, "|()$") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

// ours are the lines of what the scenario runs in the pod.
var ours = regexp.MustCompile(`iris|/bin/pwd`)

// who is how compact lines name the pod.
func (s *seed) who() string {
	if s.resources {
		return "default/iris-nopriv "
	}
	return s.node + " "
}

// events are those of a direct call and of one through a shell, with no policy at all.
func (s *seed) events(t *testing.T) {
	pod := s.who()
	direct := s.watch(t, "compact", func() { session(t, "ZF pwd") }, `🚀 process `+pod+`/usr/bin/pwd`, `💥 exit    `+pod+`/usr/bin/pwd +0`)
	s.page.saw("direct", direct)
	if strings.Contains(direct, "bash -c") {
		t.Errorf("a direct call shows a shell:\n%s", direct)
	}
	shell := s.watch(t, "compact", func() { session(t, "SHELL /usr/bin/pwd; :") }, `🚀 process `+pod+`(/usr)?/bin/bash .*-c .*/usr/bin/pwd; :`, `🚀 process `+pod+`/usr/bin/pwd`)
	s.page.saw("shell", shell)
}

// json is the form for programs: the database is the parent of what it calls directly.
func (s *seed) json(t *testing.T) {
	text := s.watch(t, "json", func() { session(t, "ZF pwd") }, `"process_exec".*"binary":"/usr/bin/pwd"`)
	_, text, _ = strings.Cut(text, "\n") // the command
	for line := range strings.Lines(text) {
		var e struct {
			ProcessExec *struct {
				Process, Parent struct {
					Cwd, Binary, Arguments, Flags string
					Pod                           struct {
						Namespace, Name string
						Container       struct{ Name string }
					}
				}
			} `json:"process_exec"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e.ProcessExec == nil || e.ProcessExec.Process.Binary != "/usr/bin/pwd" {
			continue
		}
		p, parent := e.ProcessExec.Process, e.ProcessExec.Parent
		if s.resources && (p.Pod.Namespace != "default" || p.Pod.Name != "iris-nopriv" || p.Pod.Container.Name != "iris") {
			t.Errorf("process %+v", p)
		}
		if parent.Binary+" "+parent.Arguments != database {
			continue // of something else on this machine
		}
		if p.Cwd == "" || !strings.HasPrefix(p.Flags, "execve") {
			t.Errorf("parent %+v of %+v", parent, p)
		}
		return
	}
	t.Errorf("no event of pwd in\n%s", text)
}

func (s *seed) policy(t *testing.T) {
	if s.resources {
		s.page.saw("policy", s.step(t, "60-policy.sh"))
	} else {
		s.page.saw("policy", s.load(t))
	}
	s.page.saw("list", s.tell(t, "tracingpolicy", "list"))
}

// tell runs a command of vedette in the pod of the agent, and returns what a person sees.
func (s *seed) tell(t *testing.T, args ...string) string {
	t.Helper()
	argv := append([]string{"kubectl", "exec", "-n", "kube-system", s.agent, "--", "vedette"}, args...)
	return "$ " + strings.Join(argv, " ") + "\n" + mustRun(t, append([]string{"sh", "-c", `exec "$0" "$@" 2>&1`}, argv...)...)
}

// load loads the policy into the agent, from the one directory that it shares with its node.
func (s *seed) load(t *testing.T) string {
	t.Helper()
	const file = "/var/run/vedette/" + seedName + ".yaml"
	number, err := strconv.Atoi(strings.TrimPrefix(s.node, "node"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs(root("deploy/demo/" + seedName + ".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if r := onNode(t, number, "cp", source, file); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	return s.tell(t, "tracingpolicy", "add", file)
}

// kill reads the key from outside fifty times.
func (s *seed) kill(t *testing.T) {
	killed := 0
	for range 50 {
		if r := try(t, "", "kubectl", "exec", "iris-nopriv", "--", "cat", keyFile); r.code == 137 && r.stdout == "" {
			killed++
		}
	}
	if killed != 50 {
		t.Errorf("%d of 50 were killed with nothing printed", killed)
	}
	s.page.saw("killed", s.watch(t, "compact", func() { try(t, "", "kubectl", "exec", "iris-nopriv", "--", "cat", keyFile) },
		`📚 read    `+s.who()+`/usr/bin/cat `+keyFile, `💥 exit    `+s.who()+`/usr/bin/cat `+keyFile+` SIGKILL`))
}

func (s *seed) try(t *testing.T) {
	out := s.step(t, "70-try.sh")
	s.page.saw("try", out)
	if !strings.Contains(out, "exit code: -1") || strings.Contains(out, "the key of the database") {
		t.Errorf("the session says\n%s", out)
	}
}

// goesOn has the database itself, the child of the pod's first process, read its key.
func (s *seed) goesOn(t *testing.T) {
	eventually(t, "the database's own read", time.Minute, func() error {
		try(t, "READKEY\n", "timeout", "2", "kubectl", "attach", "-q", "-i", "iris-nopriv")
		if log := mustLine(t, "kubectl logs iris-nopriv --tail=20"); !strings.Contains(log, "key: 24 bytes\nexit code: 0") {
			return fmt.Errorf("the database says %q", log)
		}
		return nil
	})
}

// bystander is a pod without the files: nothing in it is touched.
func (s *seed) bystander(t *testing.T) {
	manifest := strings.NewReplacer("name: iris-nopriv", "name: bystander", "app: iris", "app: bystander").Replace(mustRead(t, root("deploy/demo/iris-nopriv.yaml")))
	if r := try(t, manifest, "kubectl", "apply", "-f", "-"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	mustLine(t, "kubectl wait --for=condition=Ready pod/bystander --timeout=60s")
	for _, file := range []string{"/usr/irissys/mgr/iris.cpf", "/proc/self/status", "/etc/hosts"} {
		for range 5 {
			if r := try(t, "", "kubectl", "exec", "bystander", "--", "cat", file); r.code != 0 || r.stdout == "" {
				t.Errorf("cat %s: %+v", file, r)
			}
		}
	}
	mustLine(t, "kubectl delete pod bystander --now")
}

// mustBeKilled says whether the policy is in force.
func mustBeKilled(t *testing.T) error {
	t.Helper()
	if r := try(t, "", "kubectl", "exec", "iris-nopriv", "--", "cat", keyFile); r.code != 137 || r.stdout != "" {
		return fmt.Errorf("%+v", r)
	}
	return nil
}

// agentRestart deletes the agents' pods: a client that reconnects goes on, and the policy is in force again.
func (s *seed) agentRestart(t *testing.T) {
	mustLine(t, "kubectl -n kube-system delete pods -l app.kubernetes.io/name=vedette --wait=true")
	mustLine(t, "kubectl -n kube-system rollout status ds/vedette --timeout=60s")
	s.agent = agentOn(t, s.node)
	if !s.resources {
		s.load(t)
	}
	eventually(t, "policy in force again", 30*time.Second, func() error { return mustBeKilled(t) })
}

// serverAway stops the API server: what is in force stays so. Without it there is no kubectl exec; the container is
// entered on its node.
func (s *seed) serverAway(t *testing.T) {
	if err := cluster.StopServer(); err != nil {
		t.Fatal(err)
	}
	enter := enterer(t, s.node)
	for range 5 {
		if out, code := enter("cat", keyFile); code != 137 || out != "" {
			t.Errorf("without the API server: status %d, %q", code, out)
		}
	}
	if err := cluster.StartServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustLine(t, "kubectl -n kube-system rollout status ds/vedette --timeout=60s")
	eventually(t, "policy in force with the API server back", 30*time.Second, func() error { return mustBeKilled(t) })
}

func (s *seed) delete(t *testing.T) {
	var out string
	if s.resources {
		out = "$ kubectl delete -f " + seedName + ".yaml\n" + mustLine(t, "kubectl delete -f deploy/demo/"+seedName+".yaml")
	} else {
		out = s.tell(t, "tracingpolicy", "delete", seedName)
	}
	eventually(t, "the key can be read", 10*time.Second, func() error {
		if r := try(t, "", "kubectl", "exec", "iris-nopriv", "--", "cat", keyFile); r.code != 0 {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	r := try(t, "", "kubectl", "exec", "iris-nopriv", "--", "cat", keyFile)
	s.page.saw("deleted", out+"$ kubectl exec iris-nopriv -- cat "+keyFile+"\n"+r.stdout)
}

// upgrade changes values of the release: the agents are replaced, with other options.
func (s *seed) upgrade(t *testing.T) {
	mustLine(t, "helm upgrade vedette deploy/chart/vedette -n kube-system --reuse-values --set export.mode=sidecar,clusterName=trial")
	mustLine(t, "kubectl -n kube-system rollout status ds/vedette --timeout=120s")
	agent := agentOn(t, s.node)
	eventually(t, "events in the log of the container export", 30*time.Second, func() error {
		session(t, "ZF pwd")
		log := mustLine(t, "kubectl -n kube-system logs "+agent+" -c export --since=20s")
		for line := range strings.Lines(log) {
			if strings.Contains(line, `"cluster_name":"trial"`) && strings.Contains(line, `"binary":"/usr/bin/pwd"`) {
				return nil
			}
		}
		return fmt.Errorf("%d bytes without it", len(log))
	})
	mustLine(t, "helm uninstall vedette -n kube-system --wait")
	if left := mustLine(t, "kubectl -n kube-system get ds,cm,sa,role,rolebinding -l app.kubernetes.io/instance=vedette -o name"); left != "" {
		t.Errorf("left after helm uninstall: %s", left)
	}
	if left := mustLine(t, "kubectl get crd -o name"); s.resources && !strings.Contains(left, "tracingpolicies.cilium.io") {
		t.Errorf("the definitions of policies went too: %s", left)
	}
}
