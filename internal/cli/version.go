// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"runtime/debug"
	"sync"
)

// version is set when a release is built:
// go build -ldflags "-X github.com/vedette-io/vedette/internal/cli.version=v1.2.3".
var version string

// Version returns the version of the program: that of the release, else that of the module or of the
// commit it was built from, else "devel".
func Version() string {
	if version != "" {
		return version
	}
	return buildVersion(readBuild())
}

// build is what the Go tool chain recorded of the program's making.
type build struct {
	module, goVersion, commit, time string
	modified                        bool
}

// readBuild returns what is known of the program's making.
var readBuild = sync.OnceValue(func() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{}
	}
	return buildOf(info)
})

func buildOf(info *debug.BuildInfo) build {
	b := build{module: info.Main.Version, goVersion: info.GoVersion}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.commit = setting.Value
		case "vcs.time":
			b.time = setting.Value
		case "vcs.modified":
			b.modified = setting.Value == "true"
		}
	}
	return b
}

// shortCommit is how many digits of a commit stand for a version.
const shortCommit = 12

func buildVersion(b build) string {
	switch {
	case b.module != "" && b.module != "(devel)":
		return b.module
	case b.commit == "":
		return "devel"
	case b.modified:
		return "devel-" + b.commit[:min(shortCommit, len(b.commit))] + "-modified"
	}
	return "devel-" + b.commit[:min(shortCommit, len(b.commit))]
}
