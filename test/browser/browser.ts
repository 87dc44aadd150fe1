// SPDX-License-Identifier: Apache-2.0
/**
 * A headless Chromium of the system, driven by playwright-core, which brings none of its own: WEFT_CHROMIUM or the program of
 * Debian's package `chromium`. It resolves *.test to this machine and keeps its profile in a folder that is deleted.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, Page } from 'playwright-core';

const PROGRAM = process.env['WEFT_CHROMIUM'] ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  // Only this machine is ever asked.
  '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export const hasBrowser = existsSync(PROGRAM);
if (!hasBrowser) console.log(`browser tests are skipped: ${PROGRAM} is not there (Debian: apt-get install chromium)`);

export class Browser {
  readonly #folder: string;
  readonly #context: BrowserContext;

  private constructor(folder: string, context: BrowserContext) {
    this.#folder = folder;
    this.#context = context;
  }

  /** `trusted`: certificates (PEM) whose keys are taken for good, whoever has signed them. */
  static async start(trusted: readonly string[] = []): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), 'weft-browser-'));
    const keys = trusted.map((pem) =>
      createHash('sha256')
        .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
        .digest('base64'),
    );
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: PROGRAM,
      args: [...ARGUMENTS, ...(keys.length === 0 ? [] : [`--ignore-certificate-errors-spki-list=${keys.join()}`])],
    });
    return new Browser(folder, context);
  }

  newPage(): Promise<Page> {
    return this.#context.newPage();
  }

  async stop(): Promise<void> {
    await this.#context.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
