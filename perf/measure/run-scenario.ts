// SPDX-License-Identifier: Apache-2.0
/** A row of the table and the proxies at hand -> its result. Never rejects for one proxy's sake. */
import type { Scenario } from '../scenario.js';
import { startOrigin } from '../upstream/origin.js';
import { workOn } from './contestant.js';
import type { Contestant } from './contestant.js';
import { runFresh } from './fresh.js';
import type { PeerResult, ScenarioResult } from './result.js';
import type { Setting } from './setting.js';
import { messageOf, ScenarioLog } from './setting.js';
import { runStanding } from './standing.js';

export async function runScenario(
  scenario: Scenario,
  contestants: readonly Contestant[],
  setting: Setting,
): Promise<ScenarioResult> {
  const log = new ScenarioLog();
  let peers: readonly PeerResult[] = [];
  const upstream = await startOrigin(scenario, setting);
  try {
    const able = contestants.filter(({ name, peer }) => {
      const why = peer.unsupported(workOn(scenario.work, upstream, setting.directory));
      if (why !== undefined) log.skip(name, why);
      return why === undefined;
    });
    const { load } = scenario;
    switch (load.kind) {
      case 'closed':
      case 'paced':
      case 'added':
      case 'reload':
        peers = await runStanding(scenario, load, able, upstream, setting, log);
        break;
      case 'idle':
      case 'start':
      case 'rest':
      case 'scaling':
        peers = await runFresh(scenario, load, able, upstream, setting, log);
        break;
    }
  } catch (error) {
    log.note(`not measured: ${messageOf(error)}`);
  } finally {
    await upstream.stop();
  }
  return { scenario, peers, skipped: log.skipped, notes: log.notes };
}
