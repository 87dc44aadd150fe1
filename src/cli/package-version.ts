// SPDX-License-Identifier: Apache-2.0
/** package.json -> the version that `weft --version` and /server_info say. */
import { readFileSync } from 'node:fs';

/** From dist/src/cli/ the package is three folders up, from src/cli/ two. */
const DISTANCES = ['../../../package.json', '../../package.json'];

export function packageVersion(): string {
  for (const path of DISTANCES) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as Record<string, string | undefined>;
      if (name === 'weft' && version !== undefined) return version;
    } catch {
      // Not at this distance.
    }
  }
  return 'unknown';
}
