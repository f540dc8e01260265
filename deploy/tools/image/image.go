// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image is what images of all platforms have in common.
type image struct {
	name, version       string
	entrypoint, command []string
}

// searchPath is where programs are looked for in a container.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// index makes the image of each platform=directory, and the manifest that lists them.
func (img image) index(roots []string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, one := range roots {
		platform, dir, ok := strings.Cut(one, "=")
		if !ok {
			return nil, fmt.Errorf("%q: must be PLATFORM=DIR", one)
		}
		p, err := v1.ParsePlatform(platform)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", one, err)
		}
		built, err := img.build(p, dir)
		if err != nil {
			return nil, fmt.Errorf("image of %s: %w", platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: built, Descriptor: v1.Descriptor{Platform: p}})
	}
	return index, nil
}

// build makes the image of one platform.
func (img image) build(p *v1.Platform, dir string) (v1.Image, error) {
	layer, err := layerOf(dir)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	filled, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return nil, err
	}
	file, err := filled.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Variant = p.OS, p.Architecture, p.Variant
	file.Config = v1.Config{Entrypoint: img.entrypoint, Cmd: img.command, Env: []string{searchPath}}
	if img.version != "" {
		file.Config.Labels = map[string]string{"org.opencontainers.image.version": img.version}
	}
	return mutate.ConfigFile(filled, file)
}
