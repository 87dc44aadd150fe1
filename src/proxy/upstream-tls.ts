// SPDX-License-Identifier: Apache-2.0
/**
 * Handshakes with upstreams: TLS 1.2 or 1.3, with sessions that are resumed by endpoint and server name. Every check of the
 * server is made here and not by node:tls, which says of a certificate that failed only that it did.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type net from 'node:net';
import type tls from 'node:tls';
import type { ClusterCertificates } from '../model/certificate-set.js';
import type { UpstreamTls } from '../model/model.js';
import type { Logger } from '../telemetry/log.js';
import { bearsName, issuerOf, namesOf, subjectOf } from './certificate-names.js';
import { loadTls } from './tls-module.js';
import type { SecureSocketWishes, UpstreamTransport } from './upstream-transport.js';

/** Sessions kept for one set of credentials; the one that was stored first goes first. */
const MAX_SESSIONS = 1000;
/** Names of a certificate that a message shows. */
const MAX_SHOWN_NAMES = 10;

/** What clusters with equal credentials share. */
export class TlsContext {
  readonly #context: tls.SecureContext;
  /** The last of each key. It is used until a newer one comes: that upstreams can link connections harms nobody here. */
  readonly #sessions = new Map<string, Buffer>();

  /** Throws for credentials that OpenSSL refuses, which was checked. */
  constructor({ pair, authorities, revocations }: ClusterCertificates) {
    this.#context = loadTls().createSecureContext({
      ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.privateKey }),
      ...(authorities === '' ? {} : { ca: authorities }),
      ...(revocations === '' ? {} : { crl: revocations }),
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    });
  }

  get secureContext(): tls.SecureContext {
    return this.#context;
  }

  session(key: string): Buffer | undefined {
    return this.#sessions.get(key);
  }

  keepSession(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size <= MAX_SESSIONS) return;
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }
}

interface SocketState {
  /** Its server has been found good, so that its sessions are worth keeping. */
  isTrusted: boolean;
  /** A session that came before that. */
  early: Buffer | undefined;
  readonly sessionKey: string;
}

export class TlsTransport implements UpstreamTransport {
  readonly key: string;
  readonly settingsKey: string;
  readonly refusal: string;
  readonly #settings: UpstreamTls;
  readonly #serverName: string;
  readonly #context: TlsContext | undefined;
  readonly #clusterName: string;
  #lastFailure = '';
  readonly #sockets = new WeakMap<net.Socket, SocketState>();

  /** Without a `context` no connection is opened. */
  constructor(
    clusterName: string,
    settings: UpstreamTls,
    settingsKey: string,
    serverName: string,
    context: TlsContext | undefined,
  ) {
    this.key = `${settingsKey} ${serverName}`;
    this.settingsKey = settingsKey;
    this.#clusterName = clusterName;
    this.#settings = settings;
    this.#serverName = serverName;
    this.#context = context;
    this.refusal =
      context === undefined ? failure(`the credentials of cluster ${clusterName} are missing or bad; see the log`) : '';
  }

  connect({ address, port, alpn, readBuffer, onRead }: SecureSocketWishes): tls.TLSSocket {
    if (this.#context === undefined) throw new Error('a cluster without credentials opens no connection');
    const context = this.#context;
    const sessionKey = `${address} ${port} ${alpn.join(',')} ${this.key}`;
    const session = context.session(sessionKey);
    const options: tls.ConnectionOptions & Pick<net.TcpSocketConnectOpts, 'onread'> = {
      host: address,
      port,
      secureContext: context.secureContext,
      // RFC 6066 3: an address is no server name.
      ...(this.#serverName === '' || isIP(this.#serverName) !== 0 ? {} : { servername: this.#serverName }),
      ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
      ...(session === undefined ? {} : { session }),
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      onread: { buffer: readBuffer, callback: onRead },
    };
    const socket = loadTls().connect(options);
    socket.setNoDelay(true);
    const state: SocketState = { isTrusted: false, early: undefined, sessionKey };
    this.#sockets.set(socket, state);
    socket.on('session', (data: Buffer) => {
      if (state.isTrusted) context.keepSession(sessionKey, data);
      else state.early = data;
    });
    return socket;
  }

  verify(socket: net.Socket): string {
    const fault = this.#settings.verifiesServer ? this.#fault(socket as tls.TLSSocket) : '';
    if (fault !== '') return failure(`CERTIFICATE_VERIFY_FAILED: ${fault}`);
    const state = this.#sockets.get(socket);
    if (state === undefined) return '';
    state.isTrusted = true;
    if (state.early !== undefined) this.#context?.keepSession(state.sessionKey, state.early);
    return '';
  }

  protocolOf(socket: net.Socket): string {
    const { alpnProtocol } = socket as tls.TLSSocket;
    return typeof alpnProtocol === 'string' ? alpnProtocol : '';
  }

  explain(error: NodeJS.ErrnoException): string {
    const { code = '' } = error;
    // Nothing of TLS: refused, unreachable, reset.
    if (!code.startsWith('ERR_SSL') && code !== 'EPROTO' && code !== 'ECONNRESET') return error.message;
    if (code === 'ECONNRESET') {
      return /before secure TLS connection/.test(error.message)
        ? failure('the upstream closed the connection during the handshake')
        : error.message;
    }
    const reason = reasonOf(error);
    const known = EXPLANATIONS.find(({ pattern }) => pattern.test(reason));
    return failure(known === undefined ? reason : `${reason}: ${known.text}`);
  }

  /** Once in full, then only what is new, so that a server that stays bad does not fill the log. */
  onFailure(logger: Logger, address: string, error: string): void {
    const fields = { cluster: this.#clusterName, endpoint: address, error };
    if (this.#lastFailure === error) logger.debug('tls', 'no TLS connection to an upstream', fields);
    else logger.warning('tls', 'no TLS connection to an upstream', fields);
    this.#lastFailure = error;
  }

  /** '' or what the check of the server's certificate has come to. */
  #fault(socket: tls.TLSSocket): string {
    // It shows no certificate again. Its session came from a server that passed these same checks: see sessionKey.
    if (socket.isSessionReused()) return '';
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return 'the server has shown no certificate';
    if (!socket.authorized) {
      // The type says Error, but it is a code.
      return chainFault(String(socket.authorizationError), certificate);
    }
    const { subjectAltNames, sni } = this.#settings;
    const automatic = sni === undefined && this.#serverName !== '' ? [this.#serverName] : [];
    const wanted = subjectAltNames.length > 0 ? subjectAltNames : automatic;
    if (wanted.length === 0 || wanted.some((name) => bearsName(certificate, name))) return '';
    return `the server's certificate is for ${shownNames(certificate)}, none of which is ${wanted.join(' or ')}`;
  }
}

/** In Envoy's form, which log queries look for. */
function failure(text: string): string {
  return `TLS_error:|${text}:TLS_error_end`;
}

function chainFault(code: string, certificate: X509Certificate): string {
  const subject = subjectOf(certificate) || shownNames(certificate);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `certificate has expired (${subject} was valid until ${certificate.validTo}, or one that vouches for it)`;
    case 'CERT_NOT_YET_VALID':
      return `certificate is not yet valid (${subject} from ${certificate.validFrom} on, or one that vouches for it)`;
    case 'CERT_REVOKED':
      return `certificate is revoked (${subject})`;
    case 'UNABLE_TO_GET_CRL':
      return `no revocation list for certificates of ${issuerOf(certificate)}`;
    case 'CRL_HAS_EXPIRED':
      return `the revocation list of ${issuerOf(certificate)} has expired`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `unknown authority: ${subject} is signed by ${issuerOf(certificate)}, whom nobody vouches for (${code})`;
    default:
      return `${code} (${subject})`;
  }
}

/** What OpenSSL says, without its numbers: `tlsv13 alert certificate required`. */
function reasonOf(error: Error): string {
  const { reason } = error as { reason?: string };
  if (typeof reason === 'string' && reason !== '') return reason;
  const [, found] = /(?:error:[0-9A-F]+:[^:]*:[^:]*:)([^:\n]+)/.exec(error.message) ?? [];
  return found ?? error.message.trim();
}

const EXPLANATIONS = [
  { pattern: /wrong version number|packet length too long|http request/, text: 'the upstream does not speak TLS' },
  { pattern: /alert certificate required/, text: 'the upstream asks for a client certificate' },
  {
    pattern:
      /alert (bad certificate|unknown ca|certificate (expired|revoked|unknown)|unsupported certificate|access denied)/,
    text: 'the upstream does not accept the client certificate',
  },
  {
    pattern: /alert handshake failure/,
    text: 'no parameters in common, or the upstream asks for a client certificate',
  },
  { pattern: /protocol version|unsupported protocol/, text: 'the upstream has neither TLS 1.2 nor TLS 1.3' },
  { pattern: /alert unrecognized name/, text: 'the upstream does not know the server name' },
  { pattern: /no application protocol/, text: 'the upstream speaks none of the protocols offered' },
] as const;

function shownNames(certificate: X509Certificate): string {
  const names = namesOf(certificate).map(({ type, value }) => `${type}:${value}`);
  if (names.length === 0) return 'no subject alternative name';
  const more = names.length - MAX_SHOWN_NAMES;
  return names.slice(0, MAX_SHOWN_NAMES).join(' ') + (more > 0 ? ` and ${more} more` : '');
}
