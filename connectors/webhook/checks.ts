import { type ConfigProblem, type ConnectorConfig, parseConfig } from '../../src/api/index.ts';
import { parseTemplate } from './auth/hmac.ts';
import { mostBodyBytes, webhookConfig } from './settings.ts';

/** What no setting can say alone. Secrets are references here, and not looked into. */
export function webhookProblems(config: ConnectorConfig): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [...unknownSettings(config)];
  const note = (key: keyof typeof webhookConfig.spec, message: string) => problems.push({ key, message });
  let values: ReturnType<typeof parse>;
  try {
    values = parse(config);
  } catch {
    return problems; // Each setting has told its own.
  }
  if (/[/\\]/.test(config.name ?? '')) {
    problems.push({
      key: 'name',
      message: 'The name is the last part of the URL of the hook: it may have no slash in it',
    });
  }
  const type = values['http.auth.type'];
  const wanted = neededBy(type, config);
  for (const key of wanted) if (isBlank(config[key])) note(key, `It is needed with http.auth.type=${type}`);
  if (type === 'jwt') {
    const [url, inline] = [config['http.auth.jwt.jwks.url'], config['http.auth.jwt.jwks']];
    if (isBlank(url) === isBlank(inline)) {
      note('http.auth.jwt.jwks.url', 'Give either it or http.auth.jwt.jwks: where the public keys are, or the keys');
    }
  }
  if (type === 'hmac' && values['http.auth.hmac.preset'] === 'custom') {
    try {
      parseTemplate(values['http.auth.hmac.signed']);
    } catch (error) {
      note('http.auth.hmac.signed', (error as Error).message);
    }
    const signsTime = values['http.auth.hmac.signed'].includes('{timestamp}');
    if (signsTime !== (values['http.auth.hmac.timestamp.header'] !== null)) {
      note(
        'http.auth.hmac.timestamp.header',
        signsTime
          ? 'It is needed with {timestamp} in http.auth.hmac.signed'
          : 'Without {timestamp} in http.auth.hmac.signed the time is not signed, and anybody may set it',
      );
    }
  }
  pairOf(note, values, 'http.record.key.pointer', 'http.record.key.header');
  pairOf(note, values, 'http.record.id.pointer', 'http.record.id.header');
  if (
    values['http.record.key.required'] &&
    values['http.record.key.pointer'] === null &&
    values['http.record.key.header'] === null
  ) {
    note('http.record.key.required', 'Say where the key is: http.record.key.pointer or http.record.key.header');
  }
  if (
    values['http.record.split.pointer'] !== '' &&
    (values['http.record.split'] !== 'array' || values['http.record.value'] !== 'json')
  ) {
    note('http.record.split.pointer', 'It is for http.record.split=array together with http.record.value=json');
  }
  const largest = values['http.body.max.bytes'];
  if (values['http.response.mode'] === 'buffered' && largest !== null && largest > mostBodyBytes.buffered) {
    note('http.body.max.bytes', `With http.response.mode=buffered it is at most ${mostBodyBytes.buffered}`);
  }
  const credentials = new Set(['authorization', 'proxy-authorization', 'cookie']);
  if (type === 'apikey') credentials.add(values['http.auth.apikey.header'].toLowerCase());
  for (const key of ['http.record.headers', 'http.record.key.header', 'http.record.id.header'] as const) {
    const names = [values[key] ?? []].flat();
    const secret = names.find((name) => credentials.has(name.toLowerCase()));
    if (secret !== undefined) note(key, `${secret} carries credentials, which do not belong on a topic`);
  }
  return problems;
}

const parse = (config: ConnectorConfig) => parseConfig(webhookConfig, config);

const isBlank = (text: string | undefined) => text === undefined || text.trim() === '';

function neededBy(type: 'none' | 'apikey' | 'hmac' | 'jwt', config: ConnectorConfig) {
  switch (type) {
    case 'none':
      return [];
    case 'apikey':
      return ['http.auth.apikey.keys'] as const;
    case 'hmac':
      return config['http.auth.hmac.preset']?.trim() === 'custom'
        ? (['http.auth.hmac.secrets', 'http.auth.hmac.signature.header'] as const)
        : (['http.auth.hmac.preset', 'http.auth.hmac.secrets'] as const);
    case 'jwt':
      return ['http.auth.jwt.issuer', 'http.auth.jwt.audience'] as const;
  }
}

type Key = keyof typeof webhookConfig.spec;

function pairOf(
  note: (key: Key, message: string) => void,
  values: ReturnType<typeof parse>,
  pointer: 'http.record.key.pointer' | 'http.record.id.pointer',
  header: 'http.record.key.header' | 'http.record.id.header',
): void {
  if (values[pointer] !== null && values[header] !== null) note(header, `Give it or ${pointer}, not both`);
}

/** A slip in a name here may leave a door open: none is passed over. */
function unknownSettings(config: ConnectorConfig): ConfigProblem[] {
  return Object.keys(config)
    .filter((key) => key.startsWith('http.') && !webhookConfig.keys.has(key))
    .map((key) => ({
      key,
      message: `There is no setting ${key} of this connector: see its page for those that there are`,
    }));
}
