import {
  ConfigError,
  type ConfigValues,
  type ConnectorConfig,
  type JsonPointer,
  parseConfig,
  parseJsonPointer,
} from '../../src/api/index.ts';
import { apiKeyAuth } from './auth/api-key.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { type HmacScheme, hmacAuth } from './auth/hmac.ts';
import { jwtAuth } from './auth/jwt.ts';
import { hmacPresets } from './auth/presets.ts';
import { secretList } from './auth/secret-list.ts';
import type { RecordRules } from './records.ts';
import { mostBodyBytes, webhookConfig } from './settings.ts';

type Values = ConfigValues<typeof webhookConfig>;

/** A connector's settings, ready to be applied to requests. */
export interface HookRules {
  readonly mode: 'sync' | 'buffered';
  readonly methods: readonly string[];
  readonly contentTypes: readonly string[];
  readonly limits: { readonly sent: number; readonly decoded: number };
  readonly authenticate: Authenticate;
  readonly records: RecordRules;
  /** Slack asks once whether the hook is there, and wants an answer of its own. */
  readonly answersChallenge: boolean;
}

/** `config` with its secrets; `now` in epoch milliseconds. Throws ConfigError. */
export function hookRules(config: ConnectorConfig, now: () => number): HookRules {
  const values = parseConfig(webhookConfig, config);
  const mode = values['http.response.mode'];
  return {
    mode,
    methods: values['http.methods'],
    contentTypes: contentTypes(values),
    limits: {
      sent: values['http.body.max.bytes'] ?? Math.min(1_048_576, mostBodyBytes[mode]),
      decoded: values['http.body.decoded.max.bytes'],
    },
    authenticate: authentication(values, now),
    records: recordRules(values),
    answersChallenge: values['http.auth.type'] === 'hmac' && values['http.auth.hmac.preset'] === 'slack',
  };
}

const jsonTypes = ['application/json', 'application/*+json', 'text/json'];
const lineTypes = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'];

function contentTypes(values: Values): readonly string[] {
  const given = values['http.content.types'];
  if (given.length > 0) return given;
  if (values['http.record.value'] !== 'json') return ['*/*'];
  return values['http.record.split'] === 'lines' ? [...lineTypes, ...jsonTypes] : jsonTypes;
}

function recordRules(values: Values): RecordRules {
  const preset = values['http.auth.type'] === 'hmac' ? hmacPresets[values['http.auth.hmac.preset'] ?? ''] : undefined;
  const idPointer = pointerOf(values['http.record.id.pointer']);
  const idHeader = values['http.record.id.header']?.toLowerCase() ?? null;
  const ofPreset = idPointer === null && idHeader === null ? preset?.id : undefined;
  // Where the body is taken as it is, nothing is said of its being JSON: only who asks for it has it parsed.
  const presetPointer =
    ofPreset !== undefined && 'pointer' in ofPreset && values['http.record.value'] === 'json' ? ofPreset.pointer : null;
  return {
    topic: values['kafka.topic'],
    value: values['http.record.value'],
    split: values['http.record.split'],
    splitPointer: pointerOf(values['http.record.split.pointer']) ?? [],
    most: values['http.record.max'],
    keyPointer: pointerOf(values['http.record.key.pointer']),
    keyHeader: values['http.record.key.header']?.toLowerCase() ?? null,
    keyRequired: values['http.record.key.required'],
    idPointer: idPointer ?? pointerOf(presetPointer),
    idHeader: ofPreset !== undefined && 'header' in ofPreset ? ofPreset.header.toLowerCase() : idHeader,
    headers: values['http.record.headers'],
  };
}

function pointerOf(text: string | null): JsonPointer | null {
  return text === null ? null : parseJsonPointer(text);
}

/** Those headers out of which records are made; the others stay behind when a request goes into the buffer. */
export function neededHeaders({ keyHeader, idHeader, headers }: RecordRules): ReadonlySet<string> {
  const names = ['content-type', 'content-encoding', keyHeader, idHeader, ...headers.map((name) => name.toLowerCase())];
  return new Set(names.filter((name) => name !== null));
}

function authentication(values: Values, now: () => number): Authenticate {
  switch (values['http.auth.type']) {
    case 'none':
      return () => {};
    case 'apikey': {
      const keys = secretList('http.auth.apikey.keys', values['http.auth.apikey.keys']?.reveal());
      return apiKeyAuth(values['http.auth.apikey.header'], keys);
    }
    case 'hmac': {
      const secrets = secretList('http.auth.hmac.secrets', values['http.auth.hmac.secrets']?.reveal());
      return hmacAuth(schemeOf(values), secrets, values['http.auth.hmac.tolerance.seconds'], now);
    }
    case 'jwt':
      return jwtAuth(
        {
          jwksUrl: values['http.auth.jwt.jwks.url'],
          jwks: values['http.auth.jwt.jwks'],
          issuer: required('http.auth.jwt.issuer', values['http.auth.jwt.issuer']),
          audience: values['http.auth.jwt.audience'],
          algorithms: values['http.auth.jwt.algorithms'],
          scopes: values['http.auth.jwt.scopes'],
          toleranceSeconds: values['http.auth.jwt.tolerance.seconds'],
        },
        now,
      );
  }
}

const separators = { none: null, comma: ',', space: ' ' } as const;

function schemeOf(values: Values): HmacScheme {
  const name = required('http.auth.hmac.preset', values['http.auth.hmac.preset']);
  const preset = hmacPresets[name];
  if (preset !== undefined) return preset.scheme;
  const encoding = values['http.auth.hmac.secret.encoding'];
  const timestamp = values['http.auth.hmac.timestamp.header'];
  return {
    algorithm: values['http.auth.hmac.algorithm'],
    secretEncoding: encoding,
    secretPrefix: '',
    signed: values['http.auth.hmac.signed'],
    signature: {
      header: required('http.auth.hmac.signature.header', values['http.auth.hmac.signature.header']),
      prefix: values['http.auth.hmac.signature.prefix'],
      encoding: values['http.auth.hmac.signature.encoding'],
    },
    separator: separators[values['http.auth.hmac.signature.separator']],
    timestamp: timestamp === null ? null : { header: timestamp, prefix: values['http.auth.hmac.timestamp.prefix'] },
  };
}

function required(key: string, value: string | null): string {
  if (value !== null && value !== '') return value;
  throw new ConfigError(`The setting ${key} is missing`, { key });
}
