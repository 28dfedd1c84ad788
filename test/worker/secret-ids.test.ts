import { describe, expect, it } from 'vitest';
import { connectorParameters, connectorSecrets } from '../../src/worker/secret-ids.ts';

const arnOf = (name: string, account = '111122223333') => `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}`;

/** Secrets Manager with two secrets, which it finds by name, partial and full ARN; it notes what it is asked for. */
function service() {
  const secrets = [
    { name: 'kafka', arn: arnOf('kafka-AbCdEf'), text: 'the broker password' },
    { name: 'team/db', arn: arnOf('team/db-GhIjKl'), text: 'the db password' },
    { name: 'kafka-client', arn: arnOf('kafka-client-MnOpQr'), text: 'of a client' },
  ];
  const asked: string[] = [];
  const fetchSecret = async (id: string) => {
    asked.push(id);
    const found = secrets.find(({ name, arn }) => id === name || id === arn || id === arn.slice(0, -7));
    if (found === undefined) throw new Error('ResourceNotFoundException');
    return found;
  };
  return { asked, fetchSecret };
}

const spellings = (name: string, suffix: string) => [
  name,
  arnOf(name),
  arnOf(`${name}-${suffix}`),
  `${name}-${suffix}`,
];
const broker = spellings('kafka', 'AbCdEf');
const db = spellings('team/db', 'GhIjKl');

describe('secrets that connectors may use', () => {
  it.each(db.flatMap((listed) => db.map((reference) => [listed, reference])))(
    'listed as %s, referred to as %s',
    async (listed, reference) => {
      const { asked, fetchSecret } = service();
      const read = connectorSecrets({ allowed: [arnOf('other-xxxxxx'), listed], own: broker[2]! }, fetchSecret);
      // AWS takes no name with its own characters behind it; every other spelling is found.
      if (listed === 'team/db-GhIjKl') await expect(read(reference)).rejects.toThrow('ResourceNotFound');
      else expect(await read(reference)).toBe('the db password');
      expect(asked).toEqual([listed]);
    },
  );

  it.each(broker.flatMap((own) => broker.map((reference) => [own, reference])))(
    "the installation's own, %s, is not read as %s, and not asked for",
    async (own, reference) => {
      const { asked, fetchSecret } = service();
      const read = connectorSecrets({ allowed: [arnOf('team/db-GhIjKl')], own }, fetchSecret);
      await expect(read(reference)).rejects.toMatchObject({
        code: 'secret.not_allowed',
        message: expect.stringContaining('connectorSecrets'),
      });
      expect(asked).toEqual([]);
    },
  );

  it.each(broker.slice(0, 3).flatMap((own) => broker.slice(0, 3).map((listed) => [own, listed])))(
    "the installation's own, %s, is not read where it is listed, as %s",
    async (own, listed) => {
      const { fetchSecret } = service();
      const read = connectorSecrets({ allowed: [listed], own }, fetchSecret);
      for (const reference of broker) {
        await expect(read(reference)).rejects.toThrow("installation's own Kafka credentials");
      }
    },
  );

  it('none is read where none is listed, nor one of another account or of a name that only begins alike', async () => {
    const { asked, fetchSecret } = service();
    const none = connectorSecrets({ allowed: [], own: null }, fetchSecret);
    await expect(none('team/db')).rejects.toMatchObject({ code: 'secret.not_allowed' });
    const one = connectorSecrets({ allowed: [arnOf('team/db-GhIjKl')], own: null }, fetchSecret);
    for (const reference of [
      arnOf('team/db', '999999999999'),
      'team/d',
      'team/db2',
      'team',
      '',
      'team/db-XxXxXx',
      arnOf('team/db-XxXxXx'),
      `${arnOf('team/db-GhIjKl')}:password`,
    ]) {
      await expect(one(reference)).rejects.toMatchObject({ code: 'secret.not_allowed' });
    }
    expect(asked).toEqual([]);
  });

  it('a name that ends like the characters of AWS is its own', async () => {
    const { fetchSecret } = service();
    const read = connectorSecrets({ allowed: [arnOf('kafka-client-MnOpQr')], own: arnOf('kafka-AbCdEf') }, fetchSecret);
    expect(await read('kafka-client')).toBe('of a client');
    await expect(read('kafka')).rejects.toMatchObject({ code: 'secret.not_allowed' });
    // Listed by its name, `kafka-client` could be `kafka` with AWS's characters: the answer tells.
    const byName = connectorSecrets({ allowed: ['kafka-client'], own: 'kafka' }, fetchSecret);
    expect(await byName('kafka-client')).toBe('of a client');
  });
});

describe('parameters that connectors may use', () => {
  const asked: string[] = [];
  const fetchParameter = async (name: string) => {
    asked.push(name);
    return `value of ${name}`;
  };
  const shared = 'arn:aws:ssm:eu-west-1:111122223333:parameter/shared/one';
  const read = connectorParameters(['/db/password', '/team/*', 'plain', shared], fetchParameter);

  it.each([
    ['/db/password', '/db/password'],
    ['/db/password:3', '/db/password:3'],
    ['/team/a/b', '/team/a/b'],
    ['plain', 'plain'],
    ['/shared/one', shared],
    [`${shared}:2`, `${shared}:2`],
  ])('%s', async (reference, wanted) => {
    expect(await read(reference)).toBe(`value of ${wanted}`);
  });

  it.each(['/db', '/db/password2', '/teams/a', '/team', '', '/', 'db/password', '/shared/two'])(
    'not %s',
    async (reference) => {
      asked.length = 0;
      await expect(read(reference)).rejects.toMatchObject({
        code: 'secret.not_allowed',
        message: expect.stringContaining('connectorParameters'),
      });
      expect(asked).toEqual([]);
    },
  );

  it('never one that stands for a secret', async () => {
    const every = connectorParameters(['/*', '/aws/reference/secretsmanager/kafka'], fetchParameter);
    await expect(every('/aws/reference/secretsmanager/kafka')).rejects.toMatchObject({ code: 'secret.not_allowed' });
    expect(await every('/a/b')).toBe('value of /a/b');
  });
});
