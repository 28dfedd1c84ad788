import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaJars, startKafka } from '../../local/kafka.ts';
import { freePort } from '../../local/ports.ts';
import { stopService } from '../../local/service.ts';

const run = promisify(execFile);

/** Users of SCRAM; everybody's password is the name and `-secret`. */
export const scramUsers = [
  ['bob', 'SCRAM-SHA-256'],
  ['dora', 'SCRAM-SHA-512'],
] as const;

export const jaas = (username: string, password: string) =>
  `org.apache.kafka.common.security.scram.ScramLoginModule required username="${username}" password="${password}";`;

/** What the broker's unsecured OAUTHBEARER takes: a JWT without a signature. */
export const unsignedToken = () => {
  const part = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: 'carol', iat: now, exp: now + 3600, scope: [] })}.`;
};

type Listener = 'plain' | 'sasl' | 'saslSsl' | 'ssl' | 'mtls' | 'brief';

/** A broker with a listener for each way of proving who one is; `brief` ends sessions after two seconds. */
export interface SecuredKafka {
  readonly ports: Readonly<Record<Listener, number>>;
  /** Where its certificates lie: ca.pem, client.pem, client.key. */
  at(name: string): string;
  pem(name: string): string;
  stop(): Promise<void>;
}

/** A certificate authority, a broker's certificate for 127.0.0.1 and one of a client. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const authority = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=drover-test-ca', '-days', '2', '-nodes'];
  await openssl('req', '-x509', '-newkey', 'rsa:2048', ...authority);
  writeFileSync(join(folder, 'san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  for (const name of ['broker', 'client']) {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    await openssl('req', '-newkey', 'rsa:2048', ...files, '-subj', `/CN=${name}`, '-nodes');
    const signed = [
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
    ];
    await openssl('x509', '-req', ...signed, '-days', '2', '-extfile', 'san.cnf');
  }
}

/** Everybody may do everything but eve, whom no ACL names. */
export async function startSecuredKafka(): Promise<SecuredKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-security-'));
  const at = (name: string) => join(folder, name);
  const pem = (name: string) => readFileSync(at(name), 'utf8');
  await makeCertificates(folder);
  writeFileSync(at('broker-store.pem'), pem('broker.key') + pem('broker.pem'));
  const free = await Promise.all(Array.from({ length: 7 }, freePort));
  const [plain = 0, sasl = 0, saslSsl = 0, ssl = 0, mtls = 0, brief = 0, controllerPort = 0] = free;
  const ports = { plain, sasl, saslSsl, ssl, mtls, brief };
  const listeners = `PLAINTEXT://127.0.0.1:${plain},SASL://127.0.0.1:${sasl},SASLTLS://127.0.0.1:${saslSsl},TLS://127.0.0.1:${ssl},MTLS://127.0.0.1:${mtls},BRIEF://127.0.0.1:${brief}`;
  const security = 'org.apache.kafka.common.security';
  const mechanisms: Record<string, string> = {};
  for (const listener of ['sasl', 'sasltls', 'brief']) {
    const prefix = `listener.name.${listener}`;
    mechanisms[`${prefix}.sasl.enabled.mechanisms`] = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER';
    mechanisms[`${prefix}.plain.sasl.jaas.config`] =
      `${security}.plain.PlainLoginModule required user_alice="alice-secret" user_eve="eve-secret";`;
    mechanisms[`${prefix}.scram-sha-256.sasl.jaas.config`] = `${security}.scram.ScramLoginModule required;`;
    mechanisms[`${prefix}.scram-sha-512.sasl.jaas.config`] = `${security}.scram.ScramLoginModule required;`;
    mechanisms[`${prefix}.oauthbearer.sasl.jaas.config`] =
      `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
  }
  const service = await startKafka({
    folder,
    port: plain,
    controllerPort,
    maxHeapMb: 512,
    settings: {
      listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': listeners,
      'listener.security.protocol.map':
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,TLS:SSL,MTLS:SSL,BRIEF:SASL_PLAINTEXT',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': ['ANONYMOUS', 'alice', 'bob', 'dora', 'carol', 'CN=client']
        .map((user) => `User:${user}`)
        .join(';'),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': at('broker-store.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': at('ca.pem'),
      'listener.name.brief.connections.max.reauth.ms': '2000',
      'listener.name.mtls.ssl.client.auth': 'required',
      ...mechanisms,
    },
  });
  const stop = async () => {
    await stopService(service);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const [user, mechanism] of scramUsers) {
      const command = ['kafka.admin.ConfigCommand', '--bootstrap-server', `127.0.0.1:${plain}`, '--alter'];
      const change = ['--add-config', `${mechanism}=[password=${user}-secret]`];
      const entity = ['--entity-type', 'users', '--entity-name', user];
      await run('java', ['-cp', join(await kafkaJars(), '*'), ...command, ...change, ...entity]);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { ports, at, pem, stop };
}
