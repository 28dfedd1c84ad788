import { ConnectError } from '../errors.ts';

/**
 * A secret's id as Secrets Manager takes it: its name, or its ARN, which ends in the name with or without the six
 * characters that AWS adds.
 */
interface SecretId {
  /** Partition, region and account of an ARN. */
  readonly home: string | null;
  readonly name: string;
  /** Without what may be AWS's characters, or the end of a name that looks like them. */
  readonly bare: string | null;
}

const arn = /^arn:([^:]*):secretsmanager:([^:]*):([^:]*):secret:([^:]+)$/;

function parseId(text: string): SecretId {
  const match = arn.exec(text);
  const name = match?.[4] ?? text;
  return {
    home: match === null ? null : `${match[1]}:${match[2]}:${match[3]}`,
    name,
    bare: /^(.+)-[A-Za-z0-9]{6}$/.exec(name)?.[1] ?? null,
  };
}

/** How two ids may name one secret, the surest first: in the same words, by the same name, by the name without AWS's characters. */
type Likeness = 0 | 1 | 2;

function likeness(one: string, other: string): Likeness | null {
  if (one === other) return 0;
  const [a, b] = [parseId(one), parseId(other)];
  if (a.home !== null && b.home !== null && a.home !== b.home) return null;
  if (a.name === b.name) return 1;
  return a.name === b.bare || a.bare === b.name ? 2 : null;
}

/** What Secrets Manager answers. */
export interface FetchedSecret {
  /** The full ARN. */
  readonly arn: string | null;
  readonly text: string;
}

export interface ConnectorSecrets {
  /** Ids of the secrets that connector configs may refer to. */
  readonly allowed: readonly string[];
  /** Id of the installation's own secret, which they may not, even where it is listed. */
  readonly own: string | null;
}

/**
 * Reads secrets for connectors. The service is asked for the listed secret that a reference means, never for whatever the
 * reference says, and what it answers is looked at once more. The function's role may read the installation's own secret
 * too: this is what keeps configs from it.
 */
export function connectorSecrets(
  { allowed, own }: ConnectorSecrets,
  fetchSecret: (id: string) => Promise<FetchedSecret>,
): (id: string) => Promise<string> {
  return async (id) => {
    const listed = listedAs(id, allowed);
    if (listed === null) {
      throw notAllowed(`the secret ${id} is not one that connectors may use: list it in connectorSecrets`);
    }
    const like = own === null ? null : likeness(listed, own);
    if (like === 0 || like === 1) throw ownSecret(id);
    const fetched = await fetchSecret(listed);
    // A name that ends like AWS's characters may be another secret's: the answer's ARN tells.
    const isOwn = own !== null && (fetched.arn === null ? like !== null : likeness(fetched.arn, own) !== null);
    if (isOwn) throw ownSecret(id);
    return fetched.text;
  };
}

function listedAs(id: string, allowed: readonly string[]): string | null {
  for (const wanted of [0, 1, 2] satisfies Likeness[]) {
    const found = allowed.find((listed) => likeness(id, listed) === wanted);
    if (found !== undefined) return found;
  }
  return null;
}

const ownSecret = (id: string) =>
  notAllowed(`the secret ${id} holds the installation's own Kafka credentials, which no connector may use`);

const notAllowed = (message: string) => new ConnectError('secret.not_allowed', message);

/** An SSM parameter that stands for a secret of Secrets Manager, the installation's own included. */
const secretReference = '/aws/reference/secretsmanager';

/**
 * Reads parameters for connectors: those that are listed by name or ARN, and those below a path that is listed as
 * `/path/*`. A version or label (`name:3`) may follow the name.
 */
export function connectorParameters(
  allowed: readonly string[],
  fetchParameter: (name: string) => Promise<string>,
): (name: string) => Promise<string> {
  const listed = allowed.map((text) => ({ text, name: parameterName(text) }));
  return async (reference) => {
    const [, path = '', selector = ''] = /^([^:]*)(:.*)?$/.exec(parameterName(reference)) ?? [];
    if (path.toLowerCase().startsWith(secretReference)) {
      throw notAllowed(`${path} stands for a secret of Secrets Manager: refer to that`);
    }
    const exact = listed.find(({ name }) => name === path);
    if (exact !== undefined) return fetchParameter(exact.text + selector);
    if (listed.some(({ name }) => name.endsWith('/*') && path.startsWith(name.slice(0, -1)))) {
      return fetchParameter(path + selector);
    }
    throw notAllowed(`the parameter ${path} is not one that connectors may use: list it in connectorParameters`);
  };
}

/** Of an ARN, `arn:aws:ssm:REGION:ACCOUNT:parameter/a/b`, what follows `parameter`. */
function parameterName(text: string): string {
  const path = /^arn:[^:]*:ssm:[^:]*:[^:]*:parameter(\/.+)$/.exec(text)?.[1];
  return path ?? text;
}
