// SPDX-License-Identifier: Apache-2.0

package event

import (
	"errors"
	"strconv"

	"github.com/vedette-io/vedette/api/tetragon"
)

// CompactOptions chooses what [AppendCompact] prints.
type CompactOptions struct {
	// Color marks the parts of a line with ANSI colours.
	Color bool
	// Timestamps begins each line with the time of the event in UTC.
	Timestamps bool
	// StackTraces appends stack traces, one line a frame.
	StackTraces bool
	// ImaHash appends the hash of the file that an LSM hook judged.
	ImaHash bool
}

var (
	// ErrNoProcess is the error of [AppendCompact] for an event that lacks its process.
	ErrNoProcess = errors.New("process info is missing")
	// ErrNoCompactForm is the error of [AppendCompact] for a kind of event that has no such form.
	ErrNoCompactForm = errors.New("no compact form for this kind of event")
)

// AppendCompact appends e to dst as a line for people, without the line break at its end, and returns
// the longer slice. Stack traces and hashes add lines to it. Text from the event is quoted when it
// contains spaces or anything that is not printable, so that it cannot control the terminal. The
// error, [ErrNoProcess] or [ErrNoCompactForm], means that the event is to be left out; dst is returned
// as it was.
func AppendCompact(dst []byte, e *Event, opts CompactOptions) ([]byte, error) {
	l := line{dst: dst, start: len(dst), color: opts.Color}
	if opts.Timestamps {
		l.dst = append(appendTimestampFixed(l.dst, e.Time), ' ')
	}
	switch e.Kind {
	case KindThrottle:
		return l.throttle(e).dst, nil
	case KindLost:
		return l.lost(e, e.Lost.Count, e.Lost.Stage, e.Lost.Cause).dst, nil
	case KindRateLimit:
		return l.lost(e, e.RateLimited, "export", "rate limit").dst, nil
	case KindExec, KindExit, KindLoader, KindKprobe, KindTracepoint, KindUprobe, KindUsdt, KindLSM:
	default:
		return dst, ErrNoCompactForm
	}
	if e.Process == nil {
		return dst, ErrNoProcess
	}
	l = l.process(e)
	l = l.capTrailer(e.Process)
	if opts.StackTraces {
		l = l.stacks(&e.Hook)
	}
	if opts.ImaHash && e.Kind == KindLSM && e.Hook.IMAHash != "" {
		l = l.imaHash(&e.Hook)
	}
	return l.dst, nil
}

func (l line) throttle(e *Event) line {
	l = l.tag(red, "🧬", "throttle")
	switch e.Throttle.Type {
	case tetragon.ThrottleType_THROTTLE_START:
		l.dst = append(l.dst, " START "...)
	case tetragon.ThrottleType_THROTTLE_STOP:
		l.dst = append(l.dst, " STOP  "...)
	default:
		l.dst = append(l.dst, " UNKNOWN "...)
	}
	return l.paint(cyan, e.Throttle.Cgroup)
}

func (l line) lost(e *Event, count uint64, stage, cause string) line {
	l = l.tag(red, "⚠", "lost").space().paint(green, e.NodeName).space()
	l.dst = append(strconv.AppendUint(l.dst, count, 10), " events ("...)
	l.dst = append(appendPrintable(l.dst, stage), ": "...)
	l.dst = append(appendPrintable(l.dst, cause), ')')
	return l
}

// process appends the line of an event that has a process.
func (l line) process(e *Event) line {
	h := &e.Hook
	switch e.Kind {
	case KindExec:
		l = l.head(e, "🚀", "process").space()
		return l.paint(cyan, e.Process.Arguments)
	case KindExit:
		l = l.head(e, "💥", "exit").space()
		return l.paint(cyan, e.Process.Arguments).space().exitStatus(&e.Exit)
	case KindLoader:
		return l.head(e, "🧬", "loader").space().loaded(&e.Loader)
	case KindTracepoint:
		return l.tracepoint(e)
	case KindUprobe:
		return l.head(e, "🕵\uFE0F", "uprobe").space().paint(cyan, h.Path).space().paint(cyan, h.Symbol)
	case KindUsdt:
		l = l.head(e, "🕵\uFE0F", "usdt").space().paint(cyan, h.Path)
		return l.space().paint(cyan, h.Provider).space().paint(cyan, h.Name)
	case KindLSM:
		return l.head(e, "🔒", "LSM").space().paint(cyan, h.Function)
	default:
		return l.kprobe(e)
	}
}

func (l line) exitStatus(exit *Exit) line {
	if exit.Signal != "" {
		return l.paint(red, exit.Signal)
	}
	return l.begin(red).number(uint64(exit.Status)).end()
}

func (l line) loaded(loader *Loader) line {
	for _, b := range loader.BuildID {
		l.dst = append(l.dst, hexDigits[b>>4], hexDigits[b&15])
	}
	if len(loader.BuildID) > 0 {
		l = l.space()
	}
	return l.paint(yellow, text(loader.Path))
}
