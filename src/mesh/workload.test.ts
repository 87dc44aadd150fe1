// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ownerName } from './workload.js';

describe('ownerName', () => {
  it('is the Deployment of a pod with a template hash', () => {
    expect(ownerName('web-v1-6d4cf56db6-x2kqp', { 'pod-template-hash': '6d4cf56db6' })).toBe('web-v1');
  });

  it('is the StatefulSet of a numbered pod', () => {
    expect(ownerName('db-12', { 'statefulset.kubernetes.io/pod-name': 'db-12' })).toBe('db');
  });

  it('is the DaemonSet of a pod with a revision hash', () => {
    expect(ownerName('agent-x2kqp', { 'controller-revision-hash': '77c' })).toBe('agent');
  });

  it('is the pod itself when no controller left a mark', () => {
    expect(ownerName('web-1', { app: 'web' })).toBe('web-1');
  });
});
