// SPDX-License-Identifier: Apache-2.0
/**
 * A service -> its exit status, by signals: SIGTERM and SIGINT drain (0 when done), a second one stops at once, SIGHUP
 * reloads the configuration and reopens the access log.
 */
import { serve } from '../control/serve.js';
import type { Service, ServeOptions } from '../control/serve.js';

/** What shells report for a process that SIGTERM or SIGINT ended: 128 and the signal's number. */
const EXIT_BY_SIGNAL: Readonly<Record<string, number>> = { SIGTERM: 143, SIGINT: 130 };

/** Starts the service, calls `onStarted`, and resolves with the exit status when it has ended. Rejects when it can't start. */
export async function runUntilSignal(
  options: Omit<ServeOptions, 'onExit'>,
  onStarted: (service: Service) => Promise<void>,
): Promise<number> {
  const { logger } = options;
  let end: (status: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let service: Service | undefined;
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping || service === undefined) {
      logger.warning('main', 'stopping at once', { signal });
      end(EXIT_BY_SIGNAL[signal] ?? 1);
      return;
    }
    stopping = true;
    logger.info('main', 'draining; a second signal stops at once', { signal, seconds: options.drainMs / 1000 });
    service.drain().then(
      () => end(0),
      (error: unknown) => {
        logger.error('main', 'draining failed', { error: String(error) });
        end(1);
      },
    );
  };
  const onHangup = (): void => {
    service?.reload().catch((error: unknown) => logger.error('main', 'reload failed', { error: String(error) }));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', onHangup);
  try {
    service = await serve({
      ...options,
      onExit: (reason) => {
        if (reason !== undefined) logger.error('main', 'the proxy cannot go on', { reason: reason.message });
        end(reason === undefined ? 0 : 1);
      },
    });
    await onStarted(service);
    const status = await ended;
    await service.stop();
    return status;
  } finally {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    process.off('SIGHUP', onHangup);
  }
}
