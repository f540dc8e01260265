// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-io/vedette/test/cluster/local"
)

// What make test-cluster tells: the directory of the cluster's programs, and the images that its nodes get.
const (
	binEnv    = "VEDETTE_CLUSTER_BIN"
	imagesEnv = "VEDETTE_CLUSTER_IMAGES"
)

const nodes = 3

var update = flag.Bool("update", false, "write what is seen into docs/kubernetes.md")

// cluster is the one that all tests use, in their order in the files' names.
var cluster *local.Cluster

func TestMain(m *testing.M) {
	local.Boot()
	flag.Parse()
	if testing.Short() {
		os.Exit(0)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the cluster, runs the tests and stops it. When a test fails, the ends of its logs are printed.
func run(m *testing.M) (code int, err error) {
	cfg, err := config()
	if err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if cluster, err = local.Start(ctx, cfg); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, local.Stop()) }()
	return m.Run(), nil
}

func config() (local.Config, error) {
	bin, images := os.Getenv(binEnv), os.Getenv(imagesEnv)
	if bin == "" || images == "" {
		return local.Config{}, fmt.Errorf("%s or %s is not set: run make test-cluster", binEnv, imagesEnv)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return local.Config{}, err
	}
	return local.Config{
		Dir: filepath.Join(cache, "vedette", "cluster", "run"), Bin: bin, Nodes: nodes, Images: strings.Split(images, ":"),
	}, nil
}

// root is the repository's.
func root(path string) string { return filepath.Join("..", "..", "..", path) }
