import { type ConfigValues, defineConfig, type Password, type Settings } from '../config/config-def.ts';
import { atLeast, lambda, range } from '../config/validators.ts';
import { ConfigError } from '../errors.ts';
import type { OAuthSettings, RestSettings } from './rest-service.ts';
import { strategyOf, supported, topicNameStrategy } from './subject-name.ts';

const strategyValidator = lambda(supported, (_name, value) =>
  typeof value === 'string' && strategyOf(value) === null ? supported : undefined,
);

/** Settings that the three registry converters share. Java: AbstractKafkaSchemaSerDeConfig, AbstractDataConfig. */
export const registryConfig = defineConfig({
  'schema.registry.url': {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'URLs of the schema registry. Where there are several, the next one is asked when one cannot be reached. User and password may stand in the URL.',
  },
  'auto.register.schemas': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether schemas that the registry does not know are registered.',
  },
  'normalize.schemas': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether the registry compares schemas without regard to an order that does not matter.',
  },
  'use.latest.version': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether data is written with the latest version of the subject. Takes effect when schemas are not registered automatically.',
  },
  'latest.compatibility.strict': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether the latest version must be able to read what the schema of the data writes.',
  },
  'use.latest.with.metadata': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Writes with the latest version that has these metadata properties, such as application.version=v1.',
  },
  'use.schema.id': {
    type: 'INT',
    default: -1,
    importance: 'LOW',
    doc: 'The id of the schema to write with. Takes effect when schemas are not registered automatically.',
  },
  'id.compatibility.strict': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether the schema of use.schema.id must be able to read what the schema of the data writes.',
  },
  'latest.cache.ttl.sec': {
    type: 'INT',
    default: -1,
    importance: 'LOW',
    doc: 'How long a latest version is remembered, in seconds; -1 for ever.',
  },
  'key.subject.name.strategy': {
    type: 'STRING',
    default: topicNameStrategy,
    importance: 'MEDIUM',
    doc: 'How the subject of a key schema is named.',
    validator: strategyValidator,
  },
  'value.subject.name.strategy': {
    type: 'STRING',
    default: topicNameStrategy,
    importance: 'MEDIUM',
    doc: 'How the subject of a value schema is named.',
    validator: strategyValidator,
  },
  'max.schemas.per.subject': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'How many schemas are remembered.',
  },
  'schemas.cache.config': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'How many translated schemas are remembered.',
  },
  'generalized.sum.type.support': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether enums and unions are marked in the way that all formats understand.',
  },
  'ignore.default.for.nullables': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether null in an optional field is written as null although the field has a default.',
  },
  'basic.auth.credentials.source': {
    type: 'STRING',
    default: 'URL',
    importance: 'MEDIUM',
    doc: 'Where user and password come from: URL, USER_INFO (basic.auth.user.info) or SASL_INHERIT (sasl.jaas.config).',
  },
  'basic.auth.user.info': {
    type: 'PASSWORD',
    default: '',
    importance: 'MEDIUM',
    doc: 'User and password as user:password.',
  },
  'schema.registry.basic.auth.user.info': {
    type: 'PASSWORD',
    default: '',
    importance: 'MEDIUM',
    doc: 'User and password as user:password.',
    deprecated: 'use basic.auth.user.info',
  },
  'sasl.jaas.config': {
    type: 'PASSWORD',
    default: null,
    importance: 'LOW',
    doc: 'Read for user and password when basic.auth.credentials.source is SASL_INHERIT.',
  },
  'bearer.auth.credentials.source': {
    type: 'STRING',
    default: 'STATIC_TOKEN',
    importance: 'MEDIUM',
    doc: 'Where the bearer token comes from: STATIC_TOKEN (bearer.auth.token) or OAUTHBEARER (a client credentials grant).',
  },
  'bearer.auth.token': { type: 'PASSWORD', default: '', importance: 'MEDIUM', doc: 'The bearer token.' },
  'bearer.auth.issuer.endpoint.url': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The token endpoint of the OAuth identity provider.',
  },
  'bearer.auth.client.id': { type: 'STRING', default: null, importance: 'MEDIUM', doc: 'The OAuth client.' },
  'bearer.auth.client.secret': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: "The OAuth client's secret.",
  },
  'bearer.auth.scope': { type: 'STRING', default: null, importance: 'MEDIUM', doc: 'The OAuth scope to ask for.' },
  'bearer.auth.logical.cluster': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Sent as target-sr-cluster with every request.',
  },
  'bearer.auth.identity.pool.id': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Sent as Confluent-Identity-Pool-Id with every request.',
  },
  'bearer.auth.cache.expiry.buffer.seconds': {
    type: 'SHORT',
    default: 300,
    importance: 'LOW',
    doc: 'How long before it expires an OAuth token is replaced.',
    validator: range(0, 3600),
  },
  'http.connect.timeout.ms': {
    type: 'INT',
    default: 60_000,
    importance: 'LOW',
    doc: 'Bounds a request together with http.read.timeout.ms.',
    validator: atLeast(1),
  },
  'http.read.timeout.ms': {
    type: 'INT',
    default: 60_000,
    importance: 'LOW',
    doc: 'Bounds a request together with http.connect.timeout.ms.',
    validator: atLeast(1),
  },
  'max.retries': {
    type: 'INT',
    default: 3,
    importance: 'LOW',
    doc: 'How often a failed request is repeated.',
    validator: atLeast(0),
  },
  'retries.wait.ms': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'The wait before the first repetition; it doubles with each.',
    validator: atLeast(0),
  },
  'retries.max.wait.ms': {
    type: 'INT',
    default: 20_000,
    importance: 'LOW',
    doc: 'The longest wait.',
    validator: atLeast(0),
  },
  'schema.registry.ssl.truststore.type': {
    type: 'STRING',
    default: 'JKS',
    importance: 'MEDIUM',
    doc: 'PEM when schema.registry.ssl.truststore.certificates is given; key store files cannot be read.',
  },
  'schema.registry.ssl.truststore.certificates': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: "The certificates to trust, in PEM. Without them Node's own are trusted.",
  },
  'schema.registry.ssl.truststore.location': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Not supported: give the certificates in PEM.',
  },
  'schema.registry.ssl.keystore.certificate.chain': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: "The client's certificate chain, in PEM.",
  },
  'schema.registry.ssl.keystore.key': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: "The client's private key, in PEM.",
  },
  'schema.registry.ssl.key.password': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: 'The password of the private key.',
  },
  'schema.registry.ssl.keystore.location': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Not supported: give certificate and key in PEM.',
  },
});

export type RegistryConfig = ConfigValues<typeof registryConfig>;

/** What the REST service needs; refuses, by key, what cannot work. */
export function restSettings(config: RegistryConfig, given: Settings): RestSettings {
  if (config['schema.registry.url'].length === 0) {
    throw new ConfigError('Missing schema registry URL: schema.registry.url is empty', { key: 'schema.registry.url' });
  }
  for (const kind of ['truststore', 'keystore'] as const) {
    const key = `schema.registry.ssl.${kind}.location` as const;
    if (config[key] !== null) {
      const instead = kind === 'truststore' ? 'truststore.certificates' : 'keystore.certificate.chain and keystore.key';
      throw new ConfigError(
        `${key} names a key store file, which cannot be read here: give PEM in schema.registry.ssl.${instead}`,
        {
          key,
        },
      );
    }
  }
  if (given['proxy.host'] !== undefined && given['proxy.host'] !== '') {
    throw new ConfigError('proxy.host is not supported: the registry must be reachable directly', {
      key: 'proxy.host',
    });
  }
  const parsed = config['schema.registry.url'].map(parseUrl);
  const shared = sharedUserInfo(config, given);
  const bearer = config['bearer.auth.token'].reveal();
  return {
    urls: parsed.map(({ url }) => url),
    userInfo: parsed.map(({ userInfo }) => shared ?? userInfo),
    bearerToken: bearer === '' ? null : bearer,
    oauth: oauthSettings(config),
    headers: {
      ...(config['bearer.auth.logical.cluster'] === null
        ? {}
        : { 'target-sr-cluster': config['bearer.auth.logical.cluster'] }),
      ...(config['bearer.auth.identity.pool.id'] === null
        ? {}
        : { 'Confluent-Identity-Pool-Id': config['bearer.auth.identity.pool.id'] }),
    },
    tls: {
      ...pem('ca', config['schema.registry.ssl.truststore.certificates']),
      ...pem('cert', config['schema.registry.ssl.keystore.certificate.chain']),
      ...pem('key', config['schema.registry.ssl.keystore.key']),
      ...pem('passphrase', config['schema.registry.ssl.key.password']),
    },
    requestTimeoutMs: Math.min(config['http.connect.timeout.ms'], config['http.read.timeout.ms']),
    maxRetries: config['max.retries'],
    retryWaitMs: config['retries.wait.ms'],
    retryMaxWaitMs: config['retries.max.wait.ms'],
  };
}

function pem<K extends string>(name: K, value: Password | null): { [P in K]?: string } {
  // Settings are one line: \n stands for a line's end in a PEM text.
  return (value === null ? {} : { [name]: value.reveal().replaceAll('\\n', '\n') }) as { [P in K]?: string };
}

function parseUrl(text: string): { url: string; userInfo: string | null } {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `http://${text}`);
  } catch {
    throw new ConfigError(`Invalid value ${text} for configuration schema.registry.url: not a URL`, {
      key: 'schema.registry.url',
    });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ConfigError(
      `Invalid value ${text} for configuration schema.registry.url: ${url.protocol}// is not supported`,
      {
        key: 'schema.registry.url',
      },
    );
  }
  const userInfo =
    url.username === '' ? null : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return { url: url.href.replace(/\/$/, ''), userInfo };
}

/** User and password for all URLs; null where each URL has its own. */
function sharedUserInfo(config: RegistryConfig, given: Settings): string | null {
  const key = 'basic.auth.credentials.source';
  const source = config[key];
  if (given[key] !== undefined && given['bearer.auth.credentials.source'] !== undefined) {
    throw new ConfigError(`Only one of '${key}' and 'bearer.auth.credentials.source' may be specified`, { key });
  }
  const userInfo = config['basic.auth.user.info'].reveal() || config['schema.registry.basic.auth.user.info'].reveal();
  switch (source) {
    case 'URL':
      return null;
    case 'USER_INFO':
      if (userInfo === '') {
        throw new ConfigError(`basic.auth.user.info must be provided when ${key} is set to USER_INFO`, {
          key: 'basic.auth.user.info',
        });
      }
      return userInfo;
    case 'SASL_INHERIT': {
      const jaas = config['sasl.jaas.config']?.reveal() ?? '';
      const user = /username\s*=\s*"([^"]*)"/.exec(jaas)?.[1];
      const password = /password\s*=\s*"([^"]*)"/.exec(jaas)?.[1];
      if (user === undefined || password === undefined) {
        throw new ConfigError(`${key} is SASL_INHERIT, but sasl.jaas.config gives no username and password`, {
          key: 'sasl.jaas.config',
        });
      }
      return `${user}:${password}`;
    }
    default:
      throw new ConfigError(
        `Invalid value ${source} for configuration ${key}: must be one of URL, USER_INFO, SASL_INHERIT`,
        {
          key,
        },
      );
  }
}

function oauthSettings(config: RegistryConfig): OAuthSettings | null {
  const key = 'bearer.auth.credentials.source';
  if (config[key] === 'STATIC_TOKEN') return null;
  if (config[key] !== 'OAUTHBEARER') {
    throw new ConfigError(
      `Invalid value ${config[key]} for configuration ${key}: must be STATIC_TOKEN or OAUTHBEARER`,
      { key },
    );
  }
  const needed = (name: 'bearer.auth.issuer.endpoint.url' | 'bearer.auth.client.id'): string => {
    const value = config[name];
    if (value === null) throw new ConfigError(`${name} must be provided when ${key} is OAUTHBEARER`, { key: name });
    return value;
  };
  const secret = config['bearer.auth.client.secret'];
  if (secret === null) {
    throw new ConfigError(`bearer.auth.client.secret must be provided when ${key} is OAUTHBEARER`, {
      key: 'bearer.auth.client.secret',
    });
  }
  return {
    tokenUrl: needed('bearer.auth.issuer.endpoint.url'),
    clientId: needed('bearer.auth.client.id'),
    clientSecret: secret.reveal(),
    scope: config['bearer.auth.scope'],
    expiryBufferMs: config['bearer.auth.cache.expiry.buffer.seconds'] * 1000,
  };
}
