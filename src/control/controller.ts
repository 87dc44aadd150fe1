// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration updates and new DNS answers -> published tables, one at a time. What is published is good: tables that
 * can't be encoded or that the proxy refuses leave the previous ones in force, and the status says so until an attempt
 * succeeds. The model is encoded again when a name resolves to other addresses.
 */
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigStatus } from '../admin/admin-source.js';
import type { ProxyNode, ReadEnvironment } from '../lower/proxy-node.js';
import { NO_CERTIFICATES } from '../model/certificate-set.js';
import type { CertificateSet } from '../model/certificate-set.js';
import type { RoutingModel } from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import type { Proxy } from '../proxy/proxy.js';
import type { Problem } from '../resources/problem.js';
import type { EncodedTables, HostData } from '../rules/encoded-tables.js';
import type { Logger } from '../telemetry/log.js';
import type { ConfigurationUpdate } from './config-source.js';
import { HealthChecker } from './health-checker.js';
import { DnsResolver } from './dns-resolver.js';
import { FileWatcher } from './file-watcher.js';
import { CredentialResolver } from './credential-resolver.js';
import { encodeModel, hasErrors, lowerResources } from './pipeline.js';
import type { EncodedModel, LoweredConfiguration } from './pipeline.js';
import { lastGoodPath, readRules, saveLastGood } from './rules-file.js';

/** Before the first tables there is nothing to lose by waiting for names. */
const FIRST_DNS_WAIT_MS = 2000;
/** Later a change must be live within 200 ms, whether a new name in it resolves or not. */
const DNS_WAIT_MS = 50;
/** Problems beyond these are in /config_status and not in the log. */
const MAX_LOGGED_PROBLEMS = 20;

/** What /config_status says, but for the names of the sources. `stale`: something in the source is not in force as it stands. */
export type ControlStatus = Omit<ConfigStatus, 'sources'>;

export interface ControllerOptions {
  readonly node: ProxyNode;
  readonly proxy: Pick<Proxy, 'publish' | 'listeners'>;
  readonly logger: Logger;
  readonly readEnvironment: ReadEnvironment;
  /** What the source is, for the header of the kept tables. */
  readonly sourceName: string;
  /** Folder for the last good tables; absent = not kept. */
  readonly stateDir?: string | undefined;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #resolver: DnsResolver;
  readonly #checker: HealthChecker;
  readonly #credentials = new CredentialResolver();
  #queue: Promise<void> = Promise.resolve();
  /** What is in force, before its names were resolved. */
  #lowered: LoweredConfiguration | undefined;
  /** The same with addresses; absent where the tables came from a file. */
  #encoded: EncodedModel | undefined;
  #tables: EncodedTables | undefined;
  #secrets: readonly SecretData[] = [];
  #certificates: CertificateSet = NO_CERTIFICATES;
  /** What is wrong with the credentials as they were read last. */
  #credentialProblems: readonly Problem[] = [];
  /** Of the files that TLS settings name. */
  #credentialWatcher: FileWatcher | undefined;
  #credentialFiles: readonly string[] = [];
  /** Runs on kept tables from before this start, which only a configuration without errors may replace. */
  #onKeptTables = false;
  #status: ControlStatus = {
    state: 'pending',
    reason: 'no configuration has been read yet',
    generation: 0,
    contentHash: '',
    lastAttemptMs: 0,
    lastSuccessMs: 0,
    attempts: 0,
    failures: 0,
    problems: [],
    kept: [],
  };

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#checker = new HealthChecker(
      () => void this.#enqueue(() => this.#applyAddresses()),
      (address, reason) => {
        if (reason === undefined) options.logger.info('health', 'endpoint is healthy', { address });
        else options.logger.warning('health', 'endpoint is unhealthy', { address, reason });
      },
    );
    this.#resolver = new DnsResolver(
      () => void this.#enqueue(() => this.#applyAddresses()),
      (name, error) => options.logger.warning('dns', 'lookup failed', { name, error: error.message }),
    );
  }

  status(): ControlStatus {
    return this.#status;
  }

  /** What is in force, with resolved addresses; absent before the first publish and when started from tables. */
  model(): RoutingModel | undefined {
    return this.#encoded?.model;
  }

  host(): HostData | undefined {
    return this.#tables?.host;
  }

  /** Lowers, encodes and publishes an update; resolves when it is live or refused. */
  apply(update: ConfigurationUpdate): Promise<void> {
    return this.#enqueue(() => this.#applyUpdate(update));
  }

  /** Publishes tables from a file; the status is `ok`, or `stale` with `reason` when they stand in for a bad source. */
  applyTables(encoded: EncodedTables, secrets: readonly SecretData[], reason: string): Promise<void> {
    return this.#enqueue(async () => {
      const failure = await this.#publish(encoded, secrets, undefined);
      const problems = this.#credentialProblems;
      this.#logProblems(problems);
      this.#record({
        problems,
        kept: [],
        contentHash: '',
        reason: failure === '' ? reason || describe(problems, []) : failure,
        failed: failure !== '',
      });
    });
  }

  close(): void {
    void this.#credentialWatcher?.close();
    this.#resolver.close();
    this.#checker.close();
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(step);
    // A bug in one step must reach its caller and still not block the steps behind it.
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #applyUpdate(update: ConfigurationUpdate): Promise<void> {
    const { node, readEnvironment } = this.#options;
    if (hasErrors(update.problems) && (await this.#standsOnKeptTables())) {
      this.#logProblems(update.problems);
      const reason = `runs on the last good tables of an earlier start: ${describe(update.problems, [])}`;
      this.#record({ ...update, reason, failed: true });
      return;
    }
    const lowered = lowerResources(update.resources, node, readEnvironment, this.#lowered);
    const waitMs = this.#encoded === undefined ? FIRST_DNS_WAIT_MS : DNS_WAIT_MS;
    const model = await this.#resolve(lowered.model, waitMs);
    const encoded = encodeModel(model, this.#encoded);
    const failure = await this.#publish(encoded.encoded, lowered.secrets, encoded);
    const problems = [...update.problems, ...lowered.problems, ...encoded.problems, ...this.#credentialProblems];
    this.#logProblems(problems);
    if (failure === '') {
      this.#lowered = lowered;
      this.#onKeptTables = false;
    }
    this.#record({
      problems,
      kept: update.kept,
      contentHash: update.contentHash,
      reason: failure !== '' ? failure : describe(problems, update.kept),
      failed: failure !== '' || hasErrors(problems),
    });
  }

  /**
   * A first configuration with errors would lose what its bad resources used to do, so the tables of an earlier start are
   * better when there are any; they stay until a configuration has no error.
   */
  async #standsOnKeptTables(): Promise<boolean> {
    const { stateDir, logger } = this.#options;
    if (this.#onKeptTables || stateDir === undefined || this.#status.attempts > 0) return this.#onKeptTables;
    const kept = await readRules(lastGoodPath(stateDir));
    const failure = kept.ok ? await this.#publish(kept.encoded, kept.secrets, undefined) : kept.reason;
    if (failure !== '') logger.warning('control', 'no last good tables to start with', { reason: failure });
    this.#onKeptTables = failure === '';
    return this.#onKeptTables;
  }

  /** What is only known while running: addresses of names, and which endpoints are healthy. */
  async #resolve(model: RoutingModel, waitMs: number): Promise<RoutingModel> {
    return this.#checker.resolveModel(await this.#resolver.resolveModel(model, waitMs), waitMs);
  }

  /** The lowered model is the same; only addresses, or the health of endpoints, have changed. */
  async #applyAddresses(): Promise<void> {
    if (this.#lowered === undefined) return;
    const model = await this.#resolve(this.#lowered.model, DNS_WAIT_MS);
    const encoded = encodeModel(model, this.#encoded);
    const failure = await this.#publish(encoded.encoded, this.#lowered.secrets, encoded);
    if (failure !== '') this.#options.logger.error('control', 'new addresses were not applied', { reason: failure });
  }

  /** A file that TLS settings name has changed; the rules are the same. */
  async #applyCredentials(): Promise<void> {
    if (this.#tables === undefined) return;
    const before = this.#credentialProblems;
    const failure = await this.#publish(this.#tables, this.#secrets, this.#encoded);
    if (failure === '' && isDeepStrictEqual(before, this.#credentialProblems)) return;
    const { problems, kept, contentHash } = this.#status;
    const others = problems.filter((problem) => !before.includes(problem));
    this.#logProblems(this.#credentialProblems);
    const now = [...others, ...this.#credentialProblems];
    const reason = failure !== '' ? failure : describe(now, kept);
    this.#record({ problems: now, kept, contentHash, reason, failed: failure !== '' || hasErrors(now) });
  }

  /** Reads and checks the credentials of chains and clusters, and watches the files among them from now on. */
  async #readCredentials(tables: EncodedTables, secrets: readonly SecretData[]): Promise<CertificateSet> {
    const { certificates, problems, files } = await this.#credentials.resolve(tables.host, secrets);
    this.#credentialProblems = problems;
    if (isDeepStrictEqual(files, this.#credentialFiles)) return certificates;
    this.#credentialFiles = files;
    void this.#credentialWatcher?.close();
    this.#credentialWatcher = undefined;
    if (files.length === 0) return certificates;
    const { logger } = this.#options;
    const onError = (error: unknown): void =>
      logger.error('control', 'certificate files are not watched', { error: String(error) });
    const onChange = (): void => void this.#enqueue(() => this.#applyCredentials()).catch(onError);
    // Folders too: a mounted Secret is replaced by swapping a link beside the files.
    const watched = [...new Set([...files, ...files.map((file) => dirname(file))])];
    this.#credentialWatcher = new FileWatcher(files, onChange, onError);
    this.#credentialWatcher.sweepAt(watched);
    return certificates;
  }

  /** '' or why the tables are not in force. */
  async #publish(
    tables: EncodedTables,
    secrets: readonly SecretData[],
    encoded: EncodedModel | undefined,
  ): Promise<string> {
    const { proxy, logger, stateDir, sourceName } = this.#options;
    const certificates = await this.#readCredentials(tables, secrets);
    const isSame = isDeepStrictEqual(certificates, this.#certificates);
    if (this.#tables !== undefined && isSame && this.#isInForce(tables)) {
      // Equal, and kept once.
      this.#encoded = encoded === undefined ? undefined : { ...encoded, encoded: this.#tables };
      return '';
    }
    const result = await proxy.publish(tables, certificates);
    if (!result.ok) return result.reason;
    this.#encoded = encoded;
    this.#tables = tables;
    this.#secrets = secrets;
    this.#certificates = certificates;
    this.#status = { ...this.#status, generation: result.generation };
    if (stateDir !== undefined && encoded !== undefined) {
      saveLastGood(stateDir, tables, sourceName, secrets).catch((error: unknown) =>
        logger.error('control', 'the last good tables were not saved', { stateDir, error: String(error) }),
      );
    }
    return '';
  }

  /** The same tables are not published again, unless a port that could not be opened deserves another try. */
  #isInForce({ tables, host }: EncodedTables): boolean {
    if (this.#tables === undefined || Buffer.compare(this.#tables.tables, tables) !== 0) return false;
    if (!isDeepStrictEqual(this.#tables.host, host)) return false;
    return this.#options.proxy.listeners().every(({ error }) => error === undefined);
  }

  #record(outcome: {
    problems: readonly Problem[];
    kept: readonly string[];
    contentHash: string;
    reason: string;
    failed: boolean;
  }): void {
    const { logger } = this.#options;
    const nowMs = Date.now();
    const { problems, kept, contentHash, reason, failed } = outcome;
    const previous = this.#status;
    this.#status = {
      ...previous,
      state: reason === '' ? 'ok' : 'stale',
      reason,
      contentHash,
      lastAttemptMs: nowMs,
      lastSuccessMs: failed ? previous.lastSuccessMs : nowMs,
      attempts: previous.attempts + 1,
      failures: previous.failures + (failed ? 1 : 0),
      problems,
      kept,
    };
    const { generation } = this.#status;
    if (reason === '') logger.info('control', 'configuration is live', { generation });
    else logger.error('control', 'configuration is not fully in force', { reason, generation });
  }

  #logProblems(problems: readonly Problem[]): void {
    const { logger } = this.#options;
    const shown = problems.filter(({ severity }) => severity !== 'info');
    for (const { severity, code, message, path, position, resource } of shown.slice(0, MAX_LOGGED_PROBLEMS)) {
      logger.log(severity === 'error' ? 'error' : 'warning', 'config', message, {
        code,
        resource: resource === undefined ? undefined : `${resource.kind}/${resource.namespace}/${resource.name}`,
        path: path === '' ? undefined : path,
        at: `${position.file}:${position.line}:${position.column}`,
      });
    }
    const more = shown.length - MAX_LOGGED_PROBLEMS;
    if (more > 0) logger.warning('config', `${more} more problems; see /config_status or weft analyze`);
  }
}

/** One line for the status; '' when everything that was read is in force. */
function describe(problems: readonly Problem[], kept: readonly string[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const first = errors[0];
  if (first === undefined) return '';
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  const fate = kept.length === 0 ? 'what has errors is left out' : `${kept.length} kept in their last good version`;
  return `${count} (${first.position.file}:${first.position.line}: ${first.message}); ${fate}`;
}
