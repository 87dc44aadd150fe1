// SPDX-License-Identifier: Apache-2.0
/**
 * Client connections -> how many each source has, and which one to close for a newcomer when there is no room left. A source
 * is an IPv4 address or an IPv6 /64, which is what one customer of a network gets. Sources are kept by their count, so that
 * the one with the most is found at once however many there are: this runs for each connection of a flood.
 */

/** A connection as the table sees it. */
export interface SourceMember {
  /** performance.now() when it last did something. */
  readonly sinceMs: number;
  /** Whether a request is under way on it. */
  readonly isBusy: boolean;
}

interface Source<Member> {
  readonly key: string;
  /** In the order in which they came. */
  readonly members: Set<Member>;
}

/** Of a source with more connections only so many of its oldest are compared, which bounds what a newcomer costs. */
const COMPARED_COUNT = 512;

export class SourceTable<Member extends SourceMember> {
  readonly #sources = new Map<string, Source<Member>>();
  /** Sources by the number of their connections. */
  readonly #byCount = new Map<number, Set<Source<Member>>>();
  #highestCount = 0;
  #memberCount = 0;

  add(key: string, member: Member): void {
    let source = this.#sources.get(key);
    if (!source) this.#sources.set(key, (source = { key, members: new Set() }));
    source.members.add(member);
    this.#memberCount++;
    this.#refile(source, source.members.size - 1);
  }

  remove(key: string, member: Member): void {
    const source = this.#sources.get(key);
    if (!source?.members.delete(member)) return;
    this.#memberCount--;
    this.#refile(source, source.members.size + 1);
    if (source.members.size === 0) this.#sources.delete(key);
  }

  /**
   * The connection that a newcomer from `key` may take the place of: the longest idle one of the source with the most, one
   * without a request before any that has one. Null when nobody has more than its fair share (the places divided by the
   * sources, the newcomer's included), or when the newcomer's own source has as many as any other.
   */
  victimFor(key: string): Member | null {
    const own = this.#sources.get(key)?.members.size ?? 0;
    const sourceCount = this.#sources.size + (own === 0 ? 1 : 0);
    // A place more than it had before is the newcomer's; to take it from an equal would only turn the two around.
    if (own + 1 >= this.#highestCount || this.#highestCount * sourceCount <= this.#memberCount) return null;
    const [source] = this.#byCount.get(this.#highestCount) ?? [];
    return source ? longestIdle(source.members) : null;
  }

  #refile(source: Source<Member>, before: number): void {
    const count = source.members.size;
    const old = this.#byCount.get(before);
    old?.delete(source);
    if (old?.size === 0) this.#byCount.delete(before);
    if (count > 0) {
      const same = this.#byCount.get(count);
      if (same) same.add(source);
      else this.#byCount.set(count, new Set([source]));
    }
    // Counts change by one at a time, so the highest does too.
    if (count > this.#highestCount) this.#highestCount = count;
    else if (before === this.#highestCount && !this.#byCount.has(before)) this.#highestCount = count;
  }
}

function longestIdle<Member extends SourceMember>(members: ReadonlySet<Member>): Member | null {
  let found: Member | null = null;
  let compared = 0;
  for (const member of members) {
    if (compared++ === COMPARED_COUNT) break;
    const isBetter =
      found === null ||
      (found.isBusy && !member.isBusy) ||
      (found.isBusy === member.isBusy && member.sinceMs < found.sinceMs);
    if (isBetter) found = member;
  }
  return found;
}

/**
 * What `address` (as the kernel writes it) counts for: an IPv4 address itself, also when it is mapped into IPv6; of another
 * IPv6 address its first four groups.
 */
export function sourceKey(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length < 8 - after) groups.push('0');
    if (tail !== '') groups.push(...tail.split(':'));
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
