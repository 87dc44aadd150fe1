// SPDX-License-Identifier: Apache-2.0
/**
 * Filter chains with TLS and their certificates -> what a thread does handshakes with. Contexts are made when a generation
 * arrives, not per connection, and kept as long as nothing that they are made of changes. Every chain has a context, session
 * id context and ticket keys of its own: a session resumes only where it began, so one that was begun without a client
 * certificate, or with another authority's, is worth nothing to a chain that asks for one.
 */
import { createHash, hkdfSync } from 'node:crypto';
import type tls from 'node:tls';
import type { ChainCertificates } from '../../model/certificate-set.js';
import { FilterChainIndex } from '../../model/filter-chain-index.js';
import type { DownstreamTls, FilterChainMatch } from '../../model/model.js';
import type { FilterChainData } from '../../rules/encoded-tables.js';
import type { GenerationView } from '../generation-view.js';

/** Istio's limit for handshakes at gateways. */
export const HANDSHAKE_TIMEOUT_MS = 15_000;
/** Of OpenSSL: a name, an HMAC key and an AES key of 16 bytes each. */
const TICKET_KEY_BYTES = 48;
const SESSION_CONTEXT_LENGTH = 32;

export interface TlsChain {
  readonly name: string;
  readonly match: FilterChainMatch;
  /** Absent: the client's TLS is passed on unread. */
  readonly tls?: DownstreamTls;
  /** Absent: the chain speaks HTTP. */
  readonly tcp?: FilterChainData['tcp'] & object;
  /** Never listens: sockets are handed to it. Undefined when the chain has no usable certificate, or passes TLS on. */
  readonly server: tls.Server | undefined;
}

interface Made {
  readonly fingerprint: string;
  readonly server: tls.Server;
}

type NewServer = (chain: { readonly name: string; readonly tls: DownstreamTls }, options: tls.TlsOptions) => tls.Server;

export class TlsChains {
  readonly #newServer: NewServer;
  #secret: Uint8Array;
  #generation: GenerationView | undefined;
  /** By chain name. */
  #made = new Map<string, Made>();
  /** By listener name; listeners without TLS are left out. */
  #listeners = new Map<string, FilterChainIndex<TlsChain>>();

  /** `newServer` makes a server of the options and listens to its events. */
  constructor(secret: Uint8Array, newServer: NewServer) {
    this.#secret = secret;
    this.#newServer = newServer;
  }

  /** Undefined when connections of the listener begin with plaintext. */
  of(listener: string): FilterChainIndex<TlsChain> | undefined {
    return this.#listeners.get(listener);
  }

  /** Handshakes that have begun end with what they began with. Throws when a context can't be made, which was checked. */
  use(generation: GenerationView): void {
    const { filterChains, listeners } = generation.facts;
    const made = new Map<string, Made>();
    const chains = new Map<string, TlsChain[]>();
    for (const chain of filterChains) {
      const { name, match, tls, tcp } = chain;
      if (tls === undefined && match.transportProtocol !== 'tls') continue;
      const server = tls && this.#serverOf(chain, tls, generation.certificates.chains.get(name), made);
      const listener = listeners[chain.listener]?.name ?? '';
      const entry = { name, match, ...(tls && { tls }), ...(tcp && { tcp }), server };
      chains.set(listener, [...(chains.get(listener) ?? []), entry]);
    }
    this.#generation = generation;
    this.#made = made;
    this.#listeners = new Map([...chains].map(([listener, list]) => [listener, new FilterChainIndex(list)]));
  }

  /** New ticket keys; every context is made anew. */
  setSecret(secret: Uint8Array): void {
    this.#secret = secret;
    this.#made.clear();
    if (this.#generation !== undefined) this.use(this.#generation);
  }

  #serverOf(
    { name }: FilterChainData,
    settings: DownstreamTls,
    certificates: ChainCertificates | undefined,
    made: Map<string, Made>,
  ): tls.Server | undefined {
    if (certificates === undefined) return undefined;
    const fingerprint = digest(name, settings, certificates);
    const known = this.#made.get(name);
    const server =
      known?.fingerprint === fingerprint
        ? known.server
        : this.#newServer({ name, tls: settings }, this.#optionsOf(name, settings, certificates));
    made.set(name, { fingerprint, server });
    return server;
  }

  #optionsOf(name: string, settings: DownstreamTls, certificates: ChainCertificates): tls.TlsOptions {
    const { clientCertificate, verifiesClient, minVersion, maxVersion, cipherSuites, curves, alpn } = settings;
    const { pairs, authorities, revocations } = certificates;
    const trust = digest(name, settings, authorities, revocations);
    const asksClient = clientCertificate !== 'ignored';
    return {
      cert: pairs.map(({ certificate }) => certificate),
      key: pairs.map(({ privateKey }) => privateKey),
      // Without a list of its own a context trusts the public authorities.
      ca: authorities === '' ? [] : [authorities],
      ...(revocations === '' ? {} : { crl: revocations }),
      requestCert: asksClient,
      rejectUnauthorized: clientCertificate === 'required' && verifiesClient,
      minVersion,
      maxVersion,
      ...(cipherSuites.length === 0 ? {} : { ciphers: [...TLS13_SUITES, ...cipherSuites].join(':') }),
      ...(curves.length === 0 ? {} : { ecdhCurve: curves.join(':') }),
      honorCipherOrder: true,
      ALPNProtocols: [...alpn],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      // What clients were admitted by is in both, so that a change of it ends their sessions; a renewed certificate is not.
      sessionIdContext: trust.slice(0, SESSION_CONTEXT_LENGTH),
      ticketKeys: Buffer.from(hkdfSync('sha256', this.#secret, '', trust, TICKET_KEY_BYTES)),
    };
  }
}

const TLS13_SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
