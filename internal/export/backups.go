// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// backupTime is the time in the name of a backup: name-2006-01-02T15-04-05.000.log, UTC.
	backupTime       = "2006-01-02T15-04-05.000"
	compressedSuffix = ".gz"
	partialSuffix    = ".tmp"
)

// backups are the rotated files of an export file. Their names tell their order.
type backups struct {
	dir, prefix, extension string

	newest time.Time // the time in the last name given, or in the newest found at the start
}

// backup is one rotated file.
type backup struct {
	path       string
	time       time.Time
	compressed bool
}

func newBackups(path string) *backups {
	name := filepath.Base(path)
	extension := filepath.Ext(name)
	b := &backups{
		dir:       filepath.Dir(path),
		prefix:    strings.TrimSuffix(name, extension) + "-",
		extension: extension,
	}
	// A directory that cannot be read is told where the file is opened.
	if found, err := b.list(); err == nil && len(found) != 0 {
		b.newest = found[0].time
	}
	return b
}

// nextName returns the path of a backup made at t, or as little later as makes it the newest: a name
// that was freed by prune is not given again, for the new backup would then be taken for an old one.
func (b *backups) nextName(t time.Time) string {
	t = t.UTC().Truncate(time.Millisecond)
	if !t.After(b.newest) {
		t = b.newest.Add(time.Millisecond)
	}
	b.newest = t
	return filepath.Join(b.dir, b.prefix+t.Format(backupTime)+b.extension)
}

// list returns the backups, newest first.
func (b *backups) list() ([]backup, error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var found []backup
	for _, entry := range entries {
		if one, ok := b.parse(entry.Name()); ok && entry.Type().IsRegular() {
			found = append(found, one)
		}
	}
	slices.SortFunc(found, func(x, y backup) int {
		return cmp.Or(y.time.Compare(x.time), strings.Compare(x.path, y.path))
	})
	return found, nil
}

// parse tells a backup by its name. Files named differently are never touched.
func (b *backups) parse(name string) (backup, bool) {
	path := filepath.Join(b.dir, name)
	name, compressed := strings.CutSuffix(name, compressedSuffix)
	name, ours := strings.CutPrefix(name, b.prefix)
	name, complete := strings.CutSuffix(name, b.extension)
	if !ours || !complete {
		return backup{}, false
	}
	t, err := time.Parse(backupTime, name)
	return backup{path, t, compressed}, err == nil
}

// prune removes all but the newest keep backups; 0 keeps all.
func (b *backups) prune(keep int) error {
	if keep == 0 {
		return nil
	}
	found, err := b.list()
	if err != nil {
		return err
	}
	var errs []error
	for _, old := range found[min(keep, len(found)):] {
		if err := os.Remove(old.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove backup: %w", err))
		}
	}
	return errors.Join(errs...)
}

// compress compresses the newest backup that is not compressed yet and says whether there was one.
func (b *backups) compress(ctx context.Context) (bool, error) {
	found, err := b.list()
	if err != nil {
		return false, err
	}
	for _, one := range found {
		if !one.compressed {
			return true, gzipFile(ctx, one.path)
		}
	}
	return false, nil
}

// gzipFile replaces a file by its compressed form. Until that is complete it has a name that is not
// taken for a backup, and what a failure leaves of it is removed.
func gzipFile(ctx context.Context, path string) error {
	partial := path + compressedSuffix + partialSuffix
	if err := gzipTo(ctx, partial, path); err != nil {
		_ = os.Remove(partial) // if it is there at all
		return fmt.Errorf("compress %s: %w", path, err)
	}
	if err := os.Rename(partial, path+compressedSuffix); err != nil {
		return fmt.Errorf("compress %s: %w", path, err)
	}
	return os.Remove(path)
}

func gzipTo(ctx context.Context, to, from string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	zip := gzip.NewWriter(target)
	if _, err := io.Copy(zip, cancelable{ctx, source}); err != nil {
		return err
	}
	return zip.Close()
}

// cancelable is a reader that fails once its context is done.
type cancelable struct {
	ctx context.Context
	io.Reader
}

func (c cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}
