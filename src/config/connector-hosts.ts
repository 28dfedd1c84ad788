import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import type { Settings } from './config-def.ts';

/**
 * The hosts that a connector config names for Drover's own clients: brokers, registries, token endpoints, whatever prefix
 * their settings have. What a plugin connects to by itself is the plugin's own, but for what says that it is a URL.
 */
const naming =
  /(?:^|\.)(?:bootstrap\.servers|schema\.registry\.url|bearer\.auth\.issuer\.endpoint\.url|sasl\.oauthbearer\.token\.endpoint\.url)$/;

/** Endpoints of the systems that connectors work with: `sqs.queue.url`, `aws.s3.endpoint`, `http.auth.jwt.jwks.url`. */
const namingUrl = /(?:^|[._])(?:url|endpoint)$/;
const isUrl = /^https?:\/\//i;

interface NamedHost {
  readonly key: string;
  readonly host: string;
  readonly port: string;
}

/** What cannot be read is left to the client that reads it, which refuses it. */
function namedHosts(config: Settings): NamedHost[] {
  return Object.entries(config).flatMap(([key, value]) => {
    if (typeof value !== 'string') return [];
    if (!naming.test(key) && !(namingUrl.test(key) && isUrl.test(value.trim()))) return [];
    return value.split(',').flatMap((one): NamedHost[] => {
      const text = one.trim();
      // What is no URL is a broker; the scheme only lets it be read as one, with its port.
      const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `broker://${text}`);
      if (url === null || url.hostname === '') return [];
      const defaults: Record<string, string> = { 'http:': '80', 'https:': '443' };
      const host = url.hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
      return [{ key, host, port: url.port || (defaults[url.protocol] ?? '') }];
    });
  });
}

/** `host`, `host:port`, or `*.domain` for all names below it. */
function isAllowedHost(allowed: readonly string[], host: string, port: string): boolean {
  return allowed.some((entry) => {
    const [, name = '', ownPort] = /^(.*?)(?::(\d+))?$/.exec(entry.trim().toLowerCase()) ?? [];
    if (ownPort !== undefined && ownPort !== port) return false;
    return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
  });
}

/** By setting, why its host is refused; `allowed` empty: any host may be named. References are looked at when they are resolved. */
export function hostRefusals(allowed: readonly string[], config: Settings): ReadonlyMap<string, string> {
  const refusals = new Map<string, string>();
  if (allowed.length === 0) return refusals;
  for (const { key, host, port } of namedHosts(config)) {
    if (config[key]!.includes('${') || isAllowedHost(allowed, host, port)) continue;
    refusals.set(key, refusalOf(host));
  }
  return refusals;
}

const refusalOf = (host: string) =>
  `the host ${host} is not one that connectors may name: to allow it, deploy with it in connectorHosts (drover.connector.hosts)`;

/**
 * Throws ConfigError for the first host that is refused: the config may be older than the list, or have held references.
 * `runtimeApi`: host:port under which Lambda hands this function its invocations, which no config may name, list or none.
 */
export async function requireAllowedHosts(
  allowed: readonly string[],
  config: Settings,
  runtimeApi: string | null = null,
): Promise<void> {
  for (const { key, host, port } of namedHosts(config)) {
    if (allowed.length > 0 && !isAllowedHost(allowed, host, port)) {
      throw new ConfigError(`${key}: ${refusalOf(host)}`, { key });
    }
    if (runtimeApi?.endsWith(`:${port}`) && port !== '' && (await isOwnMachine(host))) {
      throw new ConfigError(`${key}: ${host}:${port} is where the function itself gets its work from`, { key });
    }
  }
}

const own = new BlockList();
own.addSubnet('127.0.0.0', 8, 'ipv4');
own.addSubnet('169.254.0.0', 16, 'ipv4');
own.addAddress('0.0.0.0', 'ipv4');
own.addAddress('::1', 'ipv6');
own.addAddress('::', 'ipv6');

async function isOwnMachine(host: string): Promise<boolean> {
  const addresses = isIP(host) === 0 ? await lookup(host, { all: true }).catch(() => []) : [{ address: host }];
  return addresses.some(({ address }) => own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
}
