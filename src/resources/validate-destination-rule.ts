// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `DestinationRule` that a table cannot say. */
import { fieldsSet, show } from './findings.js';
import type { Draft, Place } from './findings.js';
import type { DestinationRuleSpec } from './types.js';
import { checkExportTo } from './validate-names.js';
import { checkSelector } from './validate-selector.js';

export function checkDestinationRule(spec: Draft<DestinationRuleSpec>, place: Place): void {
  const seen = new Set<string>();
  for (const [index, subset] of (spec.subsets ?? []).entries()) {
    const name = subset?.name;
    if (name === undefined) continue;
    if (seen.has(name))
      place.at('subsets', index, 'name').report('duplicate-name', `subset is defined twice (${name})`);
    seen.add(name);
  }
  checkExportTo(spec.exportTo, place.at('exportTo'));
  if (!Object.hasOwn(spec, 'workloadSelector')) return;
  checkSelector(spec.workloadSelector?.matchLabels, place.at('workloadSelector'));
  for (const [index, entry] of (spec.exportTo ?? []).entries()) {
    if (entry === undefined || entry === '.' || entry === place.resource.namespace) continue;
    const text = `a rule with workloadSelector is private to its namespace (${show(entry)})`;
    place.at('exportTo', index).report('invalid-export-to', text, 'Export to "." or leave exportTo out.');
  }
}

interface PolicyDraft {
  readonly tls?: { readonly mode?: string };
  readonly outlierDetection?: unknown;
  readonly loadBalancer?: {
    readonly localityLbSetting?: { readonly failover?: unknown; readonly failoverPriority?: unknown };
  };
  readonly portLevelSettings?: readonly (
    (PolicyDraft & { readonly port?: { readonly number?: number } }) | undefined
  )[];
}

const BLOCKS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'];

export function checkTrafficPolicy(policy: PolicyDraft, place: Place): void {
  const blocks = [...BLOCKS, 'portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'];
  if (fieldsSet(policy, blocks).length === 0) {
    place.report(
      'empty-traffic-policy',
      'traffic policy must have at least one field',
      'Set a field or remove the policy.',
    );
  }
  checkFailover(policy, place);
  const seen = new Set<number>();
  for (const [index, entry] of (policy.portLevelSettings ?? []).entries()) {
    const number = entry?.port?.number;
    if (entry === undefined || number === undefined) continue;
    const at = place.at('portLevelSettings', index);
    if (seen.has(number)) {
      at.report('duplicate-port-policy', `port has a policy already, which wins (${number})`, 'Merge the two entries.');
    }
    seen.add(number);
    const mode = policy.tls?.mode;
    if (mode !== undefined && mode !== 'DISABLE' && !Object.hasOwn(entry, 'tls')) {
      const text = `entry replaces the whole policy, so tls ${mode} does not hold for port ${number}`;
      at.report('port-policy-drops-tls', text, 'Repeat tls in the entry.');
    }
  }
}

export function checkPortPolicy(entry: PolicyDraft, place: Place): void {
  if (fieldsSet(entry, BLOCKS).length === 0) {
    place.report(
      'empty-traffic-policy',
      'port policy must have at least one field',
      `Set one of ${BLOCKS.join(', ')}.`,
    );
  }
  checkFailover(entry, place);
}

/** Endpoints count as healthy unless outlier detection says otherwise, so nothing would ever fail over. */
function checkFailover(policy: PolicyDraft, place: Place): void {
  const locality = policy.loadBalancer?.localityLbSetting;
  if (locality === undefined || Object.hasOwn(policy, 'outlierDetection')) return;
  if (fieldsSet(locality, ['failover', 'failoverPriority']).length === 0) return;
  const at = place.at('loadBalancer', 'localityLbSetting');
  at.report(
    'failover-without-outlier-detection',
    'outlierDetection is required for failover',
    'Add outlierDetection: {}.',
  );
}

export function checkConnectionPool(
  pool: { readonly h2UpgradePolicy?: string; readonly useClientProtocol?: boolean },
  place: Place,
): void {
  if (pool.h2UpgradePolicy !== 'UPGRADE' || pool.useClientProtocol !== true) return;
  place.report(
    'oneof-conflict',
    'h2UpgradePolicy: UPGRADE and useClientProtocol are both set',
    'Keep only one of them.',
  );
}

export function checkOutlierDetection(
  detection: { readonly consecutiveLocalOriginFailures?: number; readonly splitExternalLocalOriginErrors?: boolean },
  place: Place,
): void {
  const failures = detection.consecutiveLocalOriginFailures ?? 0;
  if (failures === 0 || detection.splitExternalLocalOriginErrors === true) return;
  const at = place.at('consecutiveLocalOriginFailures');
  at.report(
    'local-origin-without-split',
    'requires splitExternalLocalOriginErrors: true',
    'Set it, or remove this field.',
  );
}

interface TlsDraft {
  readonly mode?: string;
  readonly sni?: string;
  readonly credentialName?: string;
  readonly subjectAltNames?: readonly unknown[];
  readonly insecureSkipVerify?: boolean;
}

/** Istio's rules for `ClientTLSSettings`, which hold whether or not Weft executes the mode. */
export function checkUpstreamTls(tls: TlsDraft, place: Place): void {
  const credential = fieldsSet(tls, ['credentialName']).length > 0;
  if (credential) {
    for (const name of fieldsSet(tls, ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'])) {
      place.at(name).reportKey('oneof-conflict', `${name} and credentialName are both set`, 'Keep only one of them.');
    }
  } else if (tls.mode === 'MUTUAL') {
    for (const name of ['clientCertificate', 'privateKey']) {
      if (Object.hasOwn(tls, name)) continue;
      place.at(name).report('missing-field', `${name} is required in mode MUTUAL`, 'Or name a credentialName.');
    }
  }
  const hasNames = (tls.subjectAltNames ?? []).length > 0;
  if (tls.insecureSkipVerify === true) {
    const checked = fieldsSet(tls, ['caCertificates', ...(hasNames ? ['subjectAltNames'] : [])]);
    if (credential && tls.mode === 'SIMPLE') checked.push('credentialName');
    for (const name of checked) {
      place
        .at(name)
        .reportKey('oneof-conflict', `${name} is set but insecureSkipVerify checks nothing`, 'Keep only one.');
    }
  } else if (tls.sni !== undefined && !hasNames && (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL')) {
    const text = 'with sni and without subjectAltNames the name in the server certificate is not verified';
    place.at('sni').report('unverified-name', text, 'Add subjectAltNames.');
  }
}
