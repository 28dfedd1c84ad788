import {
  defineConfig,
  lambda,
  nonEmptyString,
  parseJsonPointer,
  range,
  topicName,
  validString,
} from '../../src/api/index.ts';

const jsonPointer = lambda('JSON pointer', (_name, value) => {
  if (value === null) return undefined;
  try {
    parseJsonPointer(String(value));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
});

const headerName = lambda('name of a header', (_name, value) =>
  value === null || isHeaderName(String(value)) ? undefined : 'It is no name of a header',
);

const headerNames = lambda('names of headers', (_name, value) => {
  const wrong = (value as readonly string[]).find((name) => !isHeaderName(name));
  return wrong === undefined ? undefined : `"${wrong}" is no name of a header`;
});

const isHeaderName = (name: string) => /^[\w!#$%&'*+.^`|~-]+$/.test(name);

/** Those that a public key verifies: a shared secret is not what a JWKS has. */
const jwtAlgorithms: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Largest body, in bytes as sent, that passes through Lambda's and the buffer queue's own limits with all that is around it. */
export const mostBodyBytes = { sync: 4_194_304, buffered: 262_144 } as const;

export const webhookConfig = defineConfig({
  'kafka.topic': {
    type: 'STRING',
    validator: topicName,
    importance: 'HIGH',
    doc: 'Topic that the requests are written to.',
  },
  'http.auth.type': {
    type: 'STRING',
    validator: validString('none', 'apikey', 'hmac', 'jwt'),
    importance: 'HIGH',
    doc: 'Who may send: holders of an API key, of the secret that the body is signed with (hmac), of a token (jwt), or, with none, anybody who knows the URL.',
  },
  'http.response.mode': {
    type: 'STRING',
    default: 'sync',
    validator: validString('sync', 'buffered'),
    importance: 'HIGH',
    doc: 'sync: answered 200 when Kafka has acknowledged the records. buffered: answered 202 when the request is in a queue, from which it goes to Kafka; for senders that do not wait, and while Kafka is away. The order of requests is not kept then.',
  },
  'http.methods': {
    type: 'LIST',
    default: 'POST',
    validator: lambda('POST, PUT, PATCH, DELETE', (_name, value) => {
      const methods = value as readonly string[];
      if (methods.length === 0) return 'It names no method';
      const wrong = methods.find((method) => !/^(?:POST|PUT|PATCH|DELETE)$/.test(method));
      return wrong === undefined ? undefined : `"${wrong}" is none of POST, PUT, PATCH, DELETE`;
    }),
    importance: 'LOW',
    doc: 'Methods that are taken; others are answered 405.',
  },
  'http.content.types': {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    doc: 'Content types that are taken, `*` for any part: `application/json`, `text/*`. Left out: those of JSON (and of JSON lines) for values in json, all for others. Others are answered 415.',
  },
  'http.body.max.bytes': {
    type: 'INT',
    default: null,
    validator: lambda(`[1,...,${mostBodyBytes.sync}]`, (_name, value) =>
      value === null || (Number(value) >= 1 && Number(value) <= mostBodyBytes.sync)
        ? undefined
        : `It must be from 1 to ${mostBodyBytes.sync}`,
    ),
    importance: 'MEDIUM',
    doc: `Largest body as sent; a larger one is answered 413. Left out: 1048576 in sync, ${mostBodyBytes.buffered} in buffered, which is the most there.`,
  },
  'http.body.decoded.max.bytes': {
    type: 'INT',
    default: 8_388_608,
    validator: range(1, 67_108_864),
    importance: 'LOW',
    doc: 'Largest body once gzip, deflate or br is undone; what would be larger is answered 413 and not read to its end.',
  },
  'http.record.split': {
    type: 'STRING',
    default: 'none',
    validator: validString('none', 'array', 'lines'),
    importance: 'MEDIUM',
    doc: 'none: a request is one record. array: each element of a JSON array is one. lines: each line that is not blank is one (NDJSON).',
  },
  'http.record.split.pointer': {
    type: 'STRING',
    default: '',
    validator: jsonPointer,
    importance: 'LOW',
    doc: 'JSON pointer to the array inside the body, for http.record.split=array and values in json. Empty: the body is the array.',
  },
  'http.record.max': {
    type: 'INT',
    default: 10_000,
    validator: range(1, 100_000),
    importance: 'LOW',
    doc: 'Most records of one request; more are answered 413.',
  },
  'http.record.value': {
    type: 'STRING',
    default: 'json',
    validator: validString('json', 'string', 'bytes'),
    importance: 'HIGH',
    doc: 'json: the parsed body without a schema, whole numbers as 64-bit integers. string: its text as it is. bytes: its bytes as they are.',
  },
  'http.record.key.pointer': {
    type: 'STRING',
    default: null,
    validator: jsonPointer,
    importance: 'HIGH',
    doc: 'JSON pointer to the key inside each record: a text, or a number or boolean, which becomes text.',
  },
  'http.record.key.header': {
    type: 'STRING',
    default: null,
    validator: headerName,
    importance: 'HIGH',
    doc: 'Header that holds the key of all records of the request.',
  },
  'http.record.key.required': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether a request with a record that has no key is answered 422; else such a record has the key null.',
  },
  'http.record.id.pointer': {
    type: 'STRING',
    default: null,
    validator: jsonPointer,
    importance: 'MEDIUM',
    doc: "JSON pointer to the sender's own id of what it sends, the same when it sends again. It is in the record header webhook.id, by which who reads the topic knows a repetition.",
  },
  'http.record.id.header': {
    type: 'STRING',
    default: null,
    validator: headerName,
    importance: 'MEDIUM',
    doc: 'Header that holds that id. With a preset of http.auth.hmac.preset it is where that sender has it.',
  },
  'http.record.headers': {
    type: 'LIST',
    default: [],
    validator: headerNames,
    importance: 'MEDIUM',
    doc: 'Headers that become record headers, as texts under these names. Those that carry credentials are refused.',
  },
  'http.auth.apikey.header': {
    type: 'STRING',
    default: 'X-Api-Key',
    validator: headerName,
    importance: 'MEDIUM',
    doc: 'Header with the API key. In Authorization it stands behind `Bearer `.',
  },
  'http.auth.apikey.keys': {
    type: 'PASSWORD',
    default: null,
    importance: 'HIGH',
    doc: 'The API keys, of which any is right: one, several with commas between, or a JSON array of texts.',
  },
  'http.auth.hmac.preset': {
    type: 'STRING',
    default: null,
    validator: lambda('[standard-webhooks, github, stripe, slack, custom]', (_name, value) =>
      value === null || /^(?:standard-webhooks|github|stripe|slack|custom)$/.test(String(value))
        ? undefined
        : 'It must be one of standard-webhooks, github, stripe, slack, custom',
    ),
    importance: 'HIGH',
    doc: 'How the sender signs. custom: as the other settings under http.auth.hmac say, which the presets do not need.',
  },
  'http.auth.hmac.secrets': {
    type: 'PASSWORD',
    default: null,
    importance: 'HIGH',
    doc: 'The secrets, of which any is right, so that one can follow another: one, several with commas between, or a JSON array of texts.',
  },
  'http.auth.hmac.tolerance.seconds': {
    type: 'INT',
    default: 300,
    validator: range(1, 86_400),
    importance: 'MEDIUM',
    doc: 'How far the signed time may be from now, both ways; what is older may be a replay. Of schemes that sign a time.',
  },
  'http.auth.hmac.algorithm': {
    type: 'STRING',
    default: 'sha256',
    validator: validString('sha256', 'sha512', 'sha1'),
    importance: 'LOW',
    doc: 'Of custom: the digest.',
  },
  'http.auth.hmac.secret.encoding': {
    type: 'STRING',
    default: 'utf8',
    validator: validString('utf8', 'base64', 'hex'),
    importance: 'LOW',
    doc: 'Of custom: how the secrets are written.',
  },
  'http.auth.hmac.signed': {
    type: 'STRING',
    default: '{body}',
    validator: nonEmptyString,
    importance: 'MEDIUM',
    doc: 'Of custom: what is signed, with `{body}` for the exact bytes of the body, and `{timestamp}`, `{method}`, `{path}` and `{header:<name>}`, as in `{timestamp}.{body}`.',
  },
  'http.auth.hmac.signature.header': {
    type: 'STRING',
    default: null,
    validator: headerName,
    importance: 'MEDIUM',
    doc: 'Of custom: header with the signature.',
  },
  'http.auth.hmac.signature.prefix': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Of custom: what stands in front of it, as in `sha256=`.',
  },
  'http.auth.hmac.signature.encoding': {
    type: 'STRING',
    default: 'hex',
    validator: validString('hex', 'base64'),
    importance: 'LOW',
    doc: 'Of custom: how it is written.',
  },
  'http.auth.hmac.signature.separator': {
    type: 'STRING',
    default: 'none',
    validator: validString('none', 'comma', 'space'),
    importance: 'LOW',
    doc: 'Of custom: what stands between the parts of the header where it has several, each with its prefix.',
  },
  'http.auth.hmac.timestamp.header': {
    type: 'STRING',
    default: null,
    validator: headerName,
    importance: 'LOW',
    doc: 'Of custom: header with the time that is signed, in seconds or milliseconds since 1970.',
  },
  'http.auth.hmac.timestamp.prefix': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Of custom: what stands in front of the time; in the header of the signature it is one of its parts.',
  },
  'http.auth.jwt.jwks.url': {
    type: 'STRING',
    default: null,
    validator: lambda('https URL', (_name, value) => (value === null ? undefined : jwksUrlProblem(String(value)))),
    importance: 'HIGH',
    doc: "Where the issuer's public keys are (JWKS). They are kept for ten minutes. Functions without a way to the internet take http.auth.jwt.jwks.",
  },
  'http.auth.jwt.jwks': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The public keys themselves, as the JSON text of a JWKS.',
  },
  'http.auth.jwt.issuer': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'What `iss` must be.',
  },
  'http.auth.jwt.audience': {
    type: 'LIST',
    default: [],
    importance: 'HIGH',
    doc: 'What `aud` must hold one of.',
  },
  'http.auth.jwt.algorithms': {
    type: 'LIST',
    default: ['RS256', 'ES256'],
    validator: lambda(`any of ${jwtAlgorithms.join(', ')}`, (_name, value) => {
      const names = value as readonly string[];
      const wrong = names.find((name) => !jwtAlgorithms.includes(name));
      if (wrong !== undefined) return `"${wrong}" is none of ${jwtAlgorithms.join(', ')}`;
      return names.length === 0 ? 'It names no algorithm' : undefined;
    }),
    importance: 'LOW',
    doc: 'Algorithms that tokens may be signed with.',
  },
  'http.auth.jwt.scopes': {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    doc: 'Scopes that a token must have, all of them, in `scope` or `scp`; one without them is answered 403.',
  },
  'http.auth.jwt.tolerance.seconds': {
    type: 'INT',
    default: 30,
    validator: range(0, 600),
    importance: 'LOW',
    doc: 'How far the clocks may differ for `exp` and `nbf`.',
  },
});

/** Nothing on the function's own machine speaks https: its runtime and its credentials are out of reach. */
function jwksUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'It is no URL';
  return new URL(text).protocol === 'https:' ? undefined : 'Keys are fetched over https alone';
}
