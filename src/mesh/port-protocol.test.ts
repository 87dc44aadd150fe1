// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { isHttp, protocolOfDeclaration, protocolOfServicePort } from './port-protocol.js';

describe('protocolOfServicePort', () => {
  it.each([
    [{ port: 80, name: 'http' }, 'HTTP'],
    [{ port: 80, name: 'HTTP2-api' }, 'HTTP2'],
    [{ port: 80, name: 'grpc-web' }, 'GRPC-WEB'],
    [{ port: 80, name: 'grpc-webby' }, 'GRPC'],
    [{ port: 80, name: 'httpx' }, 'AUTO'],
    [{ port: 80 }, 'AUTO'],
    [{ port: 3306 }, 'TCP'],
    [{ port: 3306, name: 'db' }, 'AUTO'],
    [{ port: 80, name: 'http', appProtocol: 'kubernetes.io/h2c' }, 'HTTP2'],
    [{ port: 80, name: 'http', appProtocol: 'example.com/own' }, 'AUTO'],
    [{ port: 53, name: 'http', protocol: 'UDP' }, 'UDP'],
  ])('%j is %s', (port, protocol) => {
    expect(protocolOfServicePort(port)).toBe(protocol);
  });
});

describe('protocolOfDeclaration', () => {
  it('ignores case, and takes an empty protocol as undeclared', () => {
    expect(protocolOfDeclaration('Http')).toBe('HTTP');
    expect(protocolOfDeclaration('')).toBe('AUTO');
    expect(protocolOfDeclaration(undefined)).toBe('AUTO');
  });

  it('counts gRPC as HTTP and HTTPS as not', () => {
    expect(isHttp(protocolOfDeclaration('GRPC'))).toBe(true);
    expect(isHttp(protocolOfDeclaration('HTTPS'))).toBe(false);
  });
});
