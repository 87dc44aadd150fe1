// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { loadTexts } from './load-resources.js';

const VALID = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - match:
        - uri: {prefix: /v2}
          headers: {x-user: {exact: jason}, x-any: {}}
      route:
        - destination: {host: reviews, subset: v2, port: {number: 9080}}
          weight: 10
        - destination: {host: reviews, subset: v1}
          weight: 90
      timeout: 10s
      fault: {delay: {fixedDelay: 5s, percentage: {value: 10}}}
    - redirect: {uri: /new}
`;

describe('loadResources', () => {
  it('returns a valid VirtualService as its JSON with defaults filled in', () => {
    const { resources, problems } = loadTexts([{ file: 'vs.yaml', text: VALID }]);
    expect(problems).toEqual([]);
    expect(resources).toHaveLength(1);
    const [resource] = resources;
    expect(resource).toMatchObject({ kind: 'VirtualService', namespace: 'default', name: 'reviews', order: 0 });
    expect(resource?.spec).toMatchObject({
      http: [{ timeout: '10s' }, { redirect: { uri: '/new', redirectCode: 301 } }],
    });
    expect(resource?.positionOf('spec.http[0].route[1].weight')).toEqual({ file: 'vs.yaml', line: 15, column: 19 });
    expect(resource?.positionOf('spec.http[0].nothing.there')).toEqual({ file: 'vs.yaml', line: 8, column: 7 });
  });
});
