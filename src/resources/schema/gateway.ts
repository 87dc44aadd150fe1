// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `Gateway`. */
import { checkGateway, checkServer, checkServerPort, normalizePort } from '../validate-gateway.js';
import {
  boolean,
  field,
  integer,
  list,
  message,
  nonEmptyString,
  oneOf,
  REFUSED,
  REQUIRED,
  selector,
  string,
} from './schema.js';
import type { MessageSchema } from './schema.js';

const versions = ['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'];

const certificate = message({
  serverCertificate: field(nonEmptyString(), 'File of the certificate.', REQUIRED),
  privateKey: field(nonEmptyString(), 'File of its key.', REQUIRED),
  caCertificates: field(string(), 'File of the client certificate authorities.'),
});

const modes = ['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL', 'ISTIO_MUTUAL', 'AUTO_PASSTHROUGH'];

export const tls = message({
  mode: field(oneOf(modes, ['ISTIO_MUTUAL', 'AUTO_PASSTHROUGH']), 'What is done with TLS; absent means PASSTHROUGH.'),
  httpsRedirect: field(boolean(), 'Answers every request on an HTTP server with a redirect to https.'),
  serverCertificate: field(string(), 'File of the certificate.'),
  privateKey: field(string(), 'File of its key.'),
  caCertificates: field(string(), 'File of the client certificate authorities.'),
  caCrl: field(string(), 'File of revoked client certificates.'),
  credentialName: field(string(), 'Secret with the certificates.'),
  credentialNames: field(list(nonEmptyString(), 0, 2), 'Secrets with certificates of different kinds.'),
  tlsCertificates: field(list(certificate, 0, 2), 'Certificates of different kinds.'),
  caCertCredentialName: field(string(), 'Secret with the client certificate authorities.'),
  subjectAltNames: field(list(string()), 'Names that a client certificate may have.'),
  verifyCertificateSpki: field(list(string()), 'Pinned client keys.'),
  verifyCertificateHash: field(list(string()), 'Pinned client certificates.'),
  minProtocolVersion: field(oneOf(versions), 'Lowest version; absent means 1.2.'),
  maxProtocolVersion: field(oneOf(versions), 'Highest version; absent means 1.3.'),
  cipherSuites: field(list(string()), 'Cipher suites up to TLS 1.2.'),
  ecdhCurves: field(list(string()), 'Curves of the key exchange.'),
  insecureSkipVerify: field(boolean(), 'Accepts any client certificate.'),
});

const serverPort = message(
  {
    number: field(integer(0, 65_535), 'Port of the gateway service; 0 only for a Unix socket.', REQUIRED),
    name: field(nonEmptyString(), 'Unique in the Gateway.', REQUIRED),
    protocol: field(nonEmptyString(), 'HTTP, HTTP2, GRPC, GRPC-WEB or HTTPS; others are not executed yet.', {
      ...REQUIRED,
      acceptedOnly: 'TLS, TCP, MONGO, REDIS, MYSQL',
    }),
    targetPort: field(integer(0, 65_535), 'Refused, as in Istio.', REFUSED),
  },
  { check: checkServerPort, normalize: normalizePort },
);

const server = message(
  {
    port: field(serverPort, 'The port that clients use.', REQUIRED),
    bind: field(string('ip-or-unix'), 'Address to listen on; absent means all.'),
    hosts: field(list(string(), 1), 'Hosts served, with an optional namespace.', REQUIRED),
    name: field(string(), 'A label only.'),
    tls: field(tls, 'TLS settings; on HTTP servers only httpsRedirect.'),
    defaultEndpoint: field(string(), 'No effect.', { status: 'no-effect' }),
  },
  { check: checkServer },
);

export const gatewaySpec: MessageSchema = {
  fields: {
    selector: field(selector(), 'Labels of the gateway workloads; absent means all.'),
    servers: field(list(server, 1), 'Ports and the hosts on them.', REQUIRED),
  },
  check: checkGateway,
};
