// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// The programs that tests run, built once a test binary.
var (
	vedette = program{pkg: "./cmd/vedette"}
	irisdb  = program{pkg: "./test/irisdb"}
	reader  = program{pkg: "./test/reader"}
	proc    = program{pkg: "./test/proc"}
	deed    = program{pkg: "./test/deed"}
)

// BuiltEnv is the environment variable with the directory of the programs where they are built before the
// tests run: a guest has no compiler.
const BuiltEnv = "VEDETTE_LAB"

// Programs are the packages of all programs that tests run. Each is built to a file with the package's base
// name.
var Programs = []string{vedette.pkg, irisdb.pkg, reader.pkg, proc.pkg, deed.pkg}

// program is a program of this module.
type program struct {
	pkg  string
	once sync.Once
	path string
	out  []byte
	err  error
}

// Vedette returns the path of the product, built from this tree.
func Vedette(tb testing.TB) string { return vedette.build(tb) }

// Reader returns the path of the program that reads files in every way.
func Reader(tb testing.TB) string { return reader.build(tb) }

// Proc returns the path of the program that makes unusual processes.
func Proc(tb testing.TB) string { return proc.build(tb) }

// Deed returns the path of the program that makes system calls.
func Deed(tb testing.TB) string { return deed.build(tb) }

func (p *program) build(tb testing.TB) string {
	tb.Helper()
	p.once.Do(func() {
		if built := os.Getenv(BuiltEnv); built != "" {
			p.path = filepath.Join(built, filepath.Base(p.pkg))
			return
		}
		var dir string
		if dir, p.err = Dir(); p.err != nil {
			return
		}
		p.path = filepath.Join(dir, filepath.Base(p.pkg))
		cmd := exec.Command("go", "build", "-o", p.path, p.pkg)
		cmd.Dir, cmd.Env = root(), append(os.Environ(), "CGO_ENABLED=0")
		p.out, p.err = cmd.CombinedOutput()
	})
	if p.err != nil {
		tb.Fatalf("build %s: %v\n%s", p.pkg, p.err, p.out)
	}
	return p.path
}

// root is the directory of the module.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// dir is where the programs are built.
var dir = sync.OnceValues(func() (string, error) {
	// Other users run the programs in some tests.
	d, err := os.MkdirTemp("", "vedette-lab")
	if err != nil {
		return "", err
	}
	return d, os.Chmod(d, 0o755)
})

// Dir returns the directory of the built programs, open to all users.
func Dir() (string, error) { return dir() }

// Main runs the tests of a package and removes the built programs.
func Main(m *testing.M) {
	code := m.Run()
	if d, err := dir(); err == nil {
		if err := os.RemoveAll(d); err != nil {
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Privileged skips a test of level 1 runs, and one without root, which
// everything here needs.
func Privileged(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("-short: needs the running kernel")
	}
	if os.Geteuid() != 0 {
		tb.Skip("needs root")
	}
}

// Emulated says that the tests run in a guest without hardware virtualization, which is ten to thirty times
// slower than its machine.
func Emulated() bool { return os.Getenv("VEDETTE_GUEST") != "" }

// RealSpeed skips a test that needs the speed of a real processor: one of load.
func RealSpeed(tb testing.TB) {
	tb.Helper()
	if Emulated() {
		tb.Skip("needs the speed of a real processor: this one is emulated")
	}
}

// SeedPolicy is the path of the policy that started the project, as it came.
func SeedPolicy() string {
	return filepath.Join(root(), "internal", "policy", "testdata", "iris-read-file-sigkill.yaml")
}

// ExamplePolicy is the path of a policy of examples/policies.
func ExamplePolicy(name string) string {
	return filepath.Join(root(), "examples", "policies", name+".yaml")
}
