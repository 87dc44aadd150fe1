// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from 'vitest';
import { sourceKey, SourceTable } from './source-table.js';
import type { SourceMember } from './source-table.js';

let table: SourceTable<SourceMember>;
beforeEach(() => (table = new SourceTable()));

function join(key: string, sinceMs: number, isBusy = false): SourceMember {
  const member = { sinceMs, isBusy };
  table.add(key, member);
  return member;
}

describe('SourceTable', () => {
  it('gives up the longest idle connection of the source with the most', () => {
    join('hog', 30);
    const oldest = join('hog', 10);
    join('hog', 20);
    join('other', 1);
    expect(table.victimFor('new')).toBe(oldest);
  });

  it('gives up a connection without a request before one that has been silent for longer', () => {
    join('hog', 1, true);
    const idle = join('hog', 50);
    join('hog', 2, true);
    expect(table.victimFor('new')).toBe(idle);
  });

  it('gives up the longest silent one when all are busy', () => {
    join('hog', 5, true);
    const silent = join('hog', 3, true);
    join('hog', 4, true);
    expect(table.victimFor('new')).toBe(silent);
  });

  it('does not make room for the source that has the most itself', () => {
    for (let at = 0; at < 5; at++) join('hog', at);
    join('other', 0);
    expect(table.victimFor('hog')).toBeNull();
  });

  it('does not take from a source that has its fair share', () => {
    for (const key of ['a', 'b', 'c', 'd']) join(key, 1);
    expect(table.victimFor('new')).toBeNull();
    expect(table.victimFor('a')).toBeNull();
  });

  it('does not turn two sources around that would only change places', () => {
    for (const key of ['a', 'a', 'b']) join(key, 1);
    expect(table.victimFor('b')).toBeNull();
  });

  it('follows sources that lose connections', () => {
    const first = [join('a', 1), join('a', 2), join('a', 3), join('a', 4)];
    const second = [join('b', 5), join('b', 6), join('b', 7)];
    for (const member of first) table.remove('a', member);
    expect(table.victimFor('new')).toBe(second[0]);
    for (const member of second) table.remove('b', member);
    expect(table.victimFor('new')).toBeNull();
  });

  it('ends with every source having the same when newcomers are served for long enough', () => {
    const places = 60;
    const owners = new Map<SourceMember, string>();
    for (let at = 0; at < places; at++) owners.set(join('hog', at), 'hog');
    for (let round = 0; round < 100; round++) {
      for (const key of ['b', 'c']) {
        const victim = table.victimFor(key);
        if (!victim) continue;
        table.remove(owners.get(victim) ?? '', victim);
        owners.delete(victim);
        owners.set(join(key, 1000 + round), key);
      }
    }
    const counts = ['hog', 'b', 'c'].map((key) => [...owners.values()].filter((owner) => owner === key).length);
    expect(counts).toEqual([20, 20, 20]);
  });
});

describe('sourceKey', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8::3:4:5:6', '2001:db8:0:0::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('of %s is %s', (address, key) => {
    expect(sourceKey(address)).toBe(key);
  });
});
