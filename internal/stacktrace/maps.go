// SPDX-License-Identifier: Apache-2.0

package stacktrace

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vedette-io/vedette/internal/executable"
	"github.com/vedette-io/vedette/internal/lru"
	"github.com/vedette-io/vedette/internal/process"
)

const (
	// maxMappings is how many mappings of code of a process are kept.
	maxMappings = 1024
	// maxMapsText is how much of /proc/PID/maps is read, in bytes.
	maxMapsText = 16 << 20
	// maxProcesses is of how many processes mappings are kept.
	maxProcesses = 512
)

// mapping is a part of a file, mapped as code.
type mapping struct {
	start, end uint64
	offset     uint64 // in the file, of start
	path       string // "[vdso]" and the like where it is no file
	// device and inode are those of the file.
	device, inode uint64
	// identity is that of the file, once it has been opened.
	identity executable.Identity
	opened   bool
}

// at is where an address in the mapping is in the file.
func (m *mapping) at(addr uint64) uint64 { return addr - m.start + m.offset }

// mappings are those of processes, by their ids; the ones not used for the
// longest time go.
type mappings struct {
	procfs string
	known  *lru.Cache[process.ID, []mapping]
}

func newMappings(procfs string) *mappings {
	return &mappings{procfs: procfs, known: lru.New[process.ID, []mapping](maxProcesses)}
}

// find returns the mapping that an address is in, nil if it is not known.
func find(all []mapping, addr uint64) *mapping {
	i, _ := slices.BinarySearchFunc(all, addr, func(m mapping, addr uint64) int { return cmp.Compare(m.end, addr+1) })
	if i == len(all) || addr < all[i].start {
		return nil
	}
	return &all[i]
}

// of returns the mappings of a process that have all the addresses, where
// they can be read: those that were read before, or those of now.
func (m *mappings) of(id process.ID, addrs []uint64) []mapping {
	all, _ := m.known.Get(id)
	if all != nil && !slices.ContainsFunc(addrs, func(addr uint64) bool { return find(all, addr) == nil }) {
		return all
	}
	fresh, err := m.read(id)
	if err != nil {
		return all // the process has ended: what was known of it is the best
	}
	m.known.Put(id, fresh)
	return fresh
}

// read reads the mappings of a process that still runs.
func (m *mappings) read(id process.ID) ([]mapping, error) {
	dir := filepath.Join(m.procfs, strconv.FormatUint(uint64(id.PID), 10))
	f, err := os.Open(filepath.Join(dir, "maps"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := parseMaps(io.LimitReader(f, maxMapsText))
	if err != nil {
		return nil, err
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return nil, err
	}
	born, err := parseBorn(stat)
	if err != nil {
		return nil, err
	}
	if born > id.Start {
		return nil, fmt.Errorf("process %d is another one by now", id.PID)
	}
	return all, nil
}

// tick is the unit of times in /proc/PID/stat, in nanoseconds (USER_HZ).
const tick = 1e9 / 100

// parseBorn reads when a process was forked, in nanoseconds since boot,
// rounded down: the field 22 of /proc/PID/stat, whose field 2 is a name in
// parentheses.
func parseBorn(stat []byte) (uint64, error) {
	behind := bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[behind+1:])
	if behind < 0 || len(fields) < 20 {
		return 0, fmt.Errorf("stat: %q", stat)
	}
	ticks, err := strconv.ParseUint(string(fields[19]), 10, 64)
	return ticks * tick, err
}

// deleted is what stands behind the path of a file that has none any more.
const deleted = " (deleted)"

// parseMaps reads the lines of /proc/PID/maps that are about code:
//
//	55d0c0a02000-55d0c0a07000 r-xp 00002000 fe:00 1234   /usr/bin/cat
func parseMaps(r io.Reader) ([]mapping, error) {
	var out []mapping
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		line := scanner.Text()
		fields := strings.Fields(line)
		if len(fields) < 5 || len(fields[1]) < 3 || fields[1][2] != 'x' {
			continue
		}
		if len(out) == maxMappings {
			return out, nil
		}
		m := mapping{path: pathOf(line)}
		from, to, ok := strings.Cut(fields[0], "-")
		var errs [3]error
		m.start, errs[0] = strconv.ParseUint(from, 16, 64)
		m.end, errs[1] = strconv.ParseUint(to, 16, 64)
		m.offset, errs[2] = strconv.ParseUint(fields[2], 16, 64)
		m.device, m.inode = fileNumbers(fields[3], fields[4])
		if !ok || errs != [3]error{} {
			return nil, fmt.Errorf("maps: line %q", line)
		}
		out = append(out, m)
	}
	return out, scanner.Err()
}

// fileNumbers reads the numbers of a file: those of its device in hexadecimal
// digits, and that of its inode. 0 stands for what cannot be read.
func fileNumbers(dev, ino string) (device, inode uint64) {
	major, minor, _ := strings.Cut(dev, ":")
	high, highErr := strconv.ParseUint(major, 16, 32)
	low, lowErr := strconv.ParseUint(minor, 16, 32)
	inode, err := strconv.ParseUint(ino, 10, 64)
	if highErr != nil || lowErr != nil || err != nil {
		return 0, 0
	}
	return unix.Mkdev(uint32(high), uint32(low)), inode
}

// pathOf is what stands behind the fifth field, which can have spaces.
func pathOf(line string) string {
	for range 5 {
		line = strings.TrimLeft(line, " ")
		_, line, _ = strings.Cut(line, " ")
	}
	return strings.TrimSuffix(strings.TrimLeft(line, " "), deleted)
}

// file is a path that leads to the file of a mapping of a running process,
// wherever its own path leads.
func (m *mappings) file(pid uint32, at *mapping) string {
	return filepath.Join(m.procfs, strconv.FormatUint(uint64(pid), 10), "map_files", fmt.Sprintf("%x-%x", at.start, at.end))
}
