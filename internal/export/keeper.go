// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
)

// keeper removes and compresses backups in a goroutine of its own, so that the file is written meanwhile.
type keeper struct {
	backups  *backups
	compress bool
	params   *atomic.Pointer[Params]
	log      *slog.Logger
	work     chan struct{}
	cancel   context.CancelFunc
	done     chan struct{}
}

// keepBackups starts a keeper, which begins with what an earlier run of the agent has left.
func keepBackups(b *backups, compress bool, params *atomic.Pointer[Params], log *slog.Logger) *keeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{
		backups: b, compress: compress, params: params, log: log,
		work: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{}),
	}
	go k.run(ctx)
	k.trigger()
	return k
}

// trigger makes the keeper look at the backups.
func (k *keeper) trigger() { signal(k.work) }

// stop ends the keeper and waits for it. A compression is broken off and done by the next run.
func (k *keeper) stop() {
	k.cancel()
	<-k.done
}

func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	for {
		select {
		case <-k.work:
			k.keep(ctx)
		case <-ctx.Done():
			k.prune() // of rotations since
			return
		}
	}
}

func (k *keeper) keep(ctx context.Context) {
	k.prune()
	for k.compress {
		more, err := k.backups.compress(ctx)
		if err != nil && !errors.Is(err, context.Canceled) {
			k.log.Error("compress export backups", "error", err)
		}
		if err != nil || !more {
			return
		}
		k.prune()
	}
}

func (k *keeper) prune() {
	if err := k.backups.prune(k.params.Load().MaxBackups); err != nil {
		k.log.Error("prune export backups", "error", err)
	}
}
