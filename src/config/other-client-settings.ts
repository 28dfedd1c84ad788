import type { ConfigKeySpec, ConfigType, Importance } from './config-def.ts';
import {
  allOf,
  atLeast,
  caseInsensitiveString,
  lambda,
  listOfDistinct,
  nonEmptyString,
  range,
  type Validator,
  validString,
} from './validators.ts';

/**
 * The settings of Kafka's own clients that Drover does not act on itself, as far as a description of a setting tells:
 * name, type, importance, default (`-`: none, `!`: required, `''`: empty) and, behind a bar, what is allowed: a range,
 * some words (`~`: in any case), or the name of a check. A connector may override each of them, and one that Java would
 * refuse fails the task here too.
 */
const ofAll = `
client.dns.lookup STRING MEDIUM use_all_dns_ips | use_all_dns_ips resolve_canonical_bootstrap_servers_only
send.buffer.bytes INT MEDIUM 131072 | -1..
reconnect.backoff.ms LONG LOW 50 | 0..
reconnect.backoff.max.ms LONG LOW 1000 | 0..
metrics.sample.window.ms LONG LOW 30000 | 0..
metrics.num.samples INT LOW 2 | 1..
metrics.recording.level STRING LOW INFO | INFO DEBUG TRACE
metric.reporters LIST LOW org.apache.kafka.common.metrics.JmxReporter | classes
socket.connection.setup.timeout.max.ms LONG MEDIUM 30000
security.protocol STRING MEDIUM PLAINTEXT | ~ SASL_SSL PLAINTEXT SSL SASL_PLAINTEXT
security.providers STRING LOW -
ssl.protocol STRING MEDIUM TLSv1.3
ssl.provider STRING MEDIUM -
ssl.cipher.suites LIST LOW '' | list
ssl.enabled.protocols LIST MEDIUM TLSv1.2,TLSv1.3 | list
ssl.keystore.type STRING MEDIUM JKS
ssl.keystore.location STRING HIGH -
ssl.keystore.password PASSWORD HIGH -
ssl.key.password PASSWORD HIGH -
ssl.keystore.key PASSWORD HIGH -
ssl.keystore.certificate.chain PASSWORD HIGH -
ssl.truststore.certificates PASSWORD HIGH -
ssl.truststore.type STRING MEDIUM JKS
ssl.truststore.location STRING HIGH -
ssl.truststore.password PASSWORD HIGH -
ssl.keymanager.algorithm STRING LOW SunX509
ssl.trustmanager.algorithm STRING LOW PKIX
ssl.endpoint.identification.algorithm STRING LOW https
ssl.secure.random.implementation STRING LOW -
ssl.engine.factory.class CLASS LOW -
sasl.kerberos.service.name STRING MEDIUM -
sasl.kerberos.kinit.cmd STRING LOW /usr/bin/kinit
sasl.kerberos.ticket.renew.window.factor DOUBLE LOW 0.8
sasl.kerberos.ticket.renew.jitter DOUBLE LOW 0.05
sasl.kerberos.min.time.before.relogin LONG LOW 60000
sasl.login.refresh.window.factor DOUBLE LOW 0.8 | 0.5..1.0
sasl.login.refresh.window.jitter DOUBLE LOW 0.05 | 0.0..0.25
sasl.login.refresh.min.period.seconds SHORT LOW 60 | 0..900
sasl.login.refresh.buffer.seconds SHORT LOW 300 | 0..3600
sasl.mechanism STRING MEDIUM GSSAPI
sasl.jaas.config PASSWORD MEDIUM -
sasl.client.callback.handler.class CLASS MEDIUM -
sasl.login.callback.handler.class CLASS MEDIUM -
sasl.login.class CLASS MEDIUM -
sasl.login.connect.timeout.ms INT LOW -
sasl.login.read.timeout.ms INT LOW -
sasl.login.retry.backoff.max.ms LONG LOW 10000
sasl.login.retry.backoff.ms LONG LOW 100
sasl.oauthbearer.jwt.retriever.class CLASS MEDIUM org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever
sasl.oauthbearer.jwt.validator.class CLASS MEDIUM org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator
sasl.oauthbearer.scope STRING MEDIUM -
sasl.oauthbearer.client.credentials.client.id STRING MEDIUM -
sasl.oauthbearer.client.credentials.client.secret PASSWORD MEDIUM -
sasl.oauthbearer.assertion.algorithm STRING MEDIUM RS256 | ~ ES256 RS256
sasl.oauthbearer.assertion.claim.aud STRING MEDIUM -
sasl.oauthbearer.assertion.claim.exp.seconds INT LOW 300 | 0..86400
sasl.oauthbearer.assertion.claim.iss STRING MEDIUM -
sasl.oauthbearer.assertion.claim.jti.include BOOLEAN MEDIUM false
sasl.oauthbearer.assertion.claim.nbf.seconds INT LOW 60 | 0..3600
sasl.oauthbearer.assertion.claim.sub STRING MEDIUM -
sasl.oauthbearer.assertion.file STRING MEDIUM -
sasl.oauthbearer.assertion.private.key.file STRING MEDIUM -
sasl.oauthbearer.assertion.private.key.passphrase PASSWORD MEDIUM -
sasl.oauthbearer.assertion.template.file STRING MEDIUM -
sasl.oauthbearer.scope.claim.name STRING LOW scope
sasl.oauthbearer.sub.claim.name STRING LOW sub
sasl.oauthbearer.token.endpoint.url STRING MEDIUM -
sasl.oauthbearer.jwks.endpoint.url STRING MEDIUM -
sasl.oauthbearer.jwks.endpoint.refresh.ms LONG LOW 3600000
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms LONG LOW 10000
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms LONG LOW 100
sasl.oauthbearer.clock.skew.seconds INT LOW 30
sasl.oauthbearer.expected.audience LIST LOW '' | list
sasl.oauthbearer.expected.issuer STRING LOW -
sasl.oauthbearer.header.urlencode BOOLEAN LOW false
metadata.recovery.strategy STRING LOW rebootstrap | ~ REBOOTSTRAP NONE
metadata.recovery.rebootstrap.trigger.ms LONG LOW 300000 | 0..
config.providers LIST LOW '' | list
`;

const ofProducers = `
bootstrap.servers LIST HIGH ! | hosts
buffer.memory LONG HIGH 33554432 | 0..
compression.lz4.level INT MEDIUM 9 | 1..17
partitioner.adaptive.partitioning.enable BOOLEAN LOW true
partitioner.availability.timeout.ms LONG LOW 0 | 0..
linger.ms LONG MEDIUM 5 | 0..
receive.buffer.bytes INT MEDIUM 32768 | -1..
enable.metrics.push BOOLEAN LOW true
metadata.max.age.ms LONG LOW 300000 | 0..
metadata.max.idle.ms LONG LOW 300000 | 5000..
key.serializer CLASS HIGH ! | class
value.serializer CLASS HIGH ! | class
socket.connection.setup.timeout.ms LONG MEDIUM 10000
connections.max.idle.ms LONG MEDIUM 540000
partitioner.class CLASS MEDIUM - | class
interceptor.classes LIST LOW '' | classes
transactional.id STRING LOW - | text
transaction.two.phase.commit.enable BOOLEAN LOW false
`;

const ofConsumers = `
bootstrap.servers LIST HIGH ! | hosts
group.instance.id STRING MEDIUM - | text
session.timeout.ms INT HIGH 45000
heartbeat.interval.ms INT HIGH 3000
partition.assignment.strategy LIST MEDIUM class org.apache.kafka.clients.consumer.RangeAssignor,class org.apache.kafka.clients.consumer.CooperativeStickyAssignor | classes
metadata.max.age.ms LONG LOW 300000 | 0..
enable.auto.commit BOOLEAN MEDIUM true
auto.commit.interval.ms INT LOW 5000 | 0..
client.rack STRING LOW ''
receive.buffer.bytes INT MEDIUM 65536 | -1..
fetch.max.wait.ms INT LOW 500 | 0..
retry.backoff.ms LONG LOW 100 | 0..
retry.backoff.max.ms LONG LOW 1000 | 0..
enable.metrics.push BOOLEAN LOW true
key.deserializer CLASS HIGH ! | class
value.deserializer CLASS HIGH ! | class
default.api.timeout.ms INT MEDIUM 60000 | 0..
socket.connection.setup.timeout.ms LONG MEDIUM 10000
connections.max.idle.ms LONG MEDIUM 540000
interceptor.classes LIST LOW '' | classes
max.poll.interval.ms INT MEDIUM 300000 | 1..
exclude.internal.topics BOOLEAN MEDIUM true
allow.auto.create.topics BOOLEAN MEDIUM true
group.protocol STRING HIGH classic | ~ CONSUMER CLASSIC
group.remote.assignor STRING MEDIUM -
share.acknowledgement.mode STRING MEDIUM implicit | implicit explicit
share.acquire.mode STRING MEDIUM BATCH_OPTIMIZED | ~ BATCH_OPTIMIZED RECORD_LIMIT
`;

const ofAdmins = `
bootstrap.servers LIST HIGH '' | list
bootstrap.controllers LIST HIGH '' | list
receive.buffer.bytes INT MEDIUM 65536 | -1..
enable.metrics.push BOOLEAN LOW false
`;

const listOfAny = listOfDistinct({ empty: true });

/** What can be named is what Kafka brings: of a user's own there is nothing to load. */
const kafkaClasses: ReadonlySet<string> = new Set([
  'org.apache.kafka.common.metrics.JmxReporter',
  'org.apache.kafka.clients.producer.RoundRobinPartitioner',
  ...['Range', 'RoundRobin', 'Sticky', 'CooperativeSticky'].map(
    (name) => `org.apache.kafka.clients.consumer.${name}Assignor`,
  ),
  ...['Boolean', 'ByteArray', 'ByteBuffer', 'Bytes', 'Double', 'Float', 'Integer', 'List', 'Long', 'Short', 'String']
    .concat('UUID', 'Void')
    .flatMap((name) =>
      ['Serializer', 'Deserializer'].map((end) => `org.apache.kafka.common.serialization.${name}${end}`),
    ),
]);

const isKafkaClass = (name: string) => kafkaClasses.has(name.replace(/^class /, ''));

const oneClass = lambda('a class that is there', (_name, value) =>
  typeof value !== 'string' || isKafkaClass(value) ? undefined : `Class ${value} could not be found.`,
);

const classes = lambda('classes that are there', (_name, value) => {
  const missing = Array.isArray(value) ? value.find((name) => !isKafkaClass(name)) : undefined;
  return missing === undefined ? undefined : `Class ${missing} could not be found.`;
});

const named: Readonly<Record<string, Validator>> = {
  list: listOfAny,
  hosts: listOfDistinct({ empty: false }),
  text: nonEmptyString,
  class: oneClass,
  classes: allOf(listOfAny, classes),
};

function validatorOf(text: string): Validator {
  const known = named[text];
  if (known !== undefined) return known;
  const bounds = /^(\S+)\.\.(\S*)$/.exec(text);
  if (bounds !== null) {
    return bounds[2] === '' ? atLeast(Number(bounds[1])) : range(Number(bounds[1]), Number(bounds[2]));
  }
  const words = text.split(' ');
  return words[0] === '~' ? caseInsensitiveString(...words.slice(1)) : validString(...words);
}

function specsOf(table: string): [name: string, spec: Omit<ConfigKeySpec, 'doc'>][] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [description, allowed] = line.split(' | ');
      const [name, type, importance, ...rest] = description!.split(' ');
      const text = rest.join(' ');
      const spec = {
        type: type as ConfigType,
        importance: importance as Importance,
        ...(text === '!' ? {} : { default: text === '-' ? null : text === "''" ? '' : text }),
        ...(allowed === undefined ? {} : { validator: validatorOf(allowed) }),
      };
      return [name!, spec];
    });
}

/** Per client: its settings but for those of client-config.ts, by name. */
export const otherClientSettings = {
  producer: () => specsOf(ofAll + ofProducers.trimStart()),
  consumer: () => specsOf(ofAll + ofConsumers.trimStart()),
  admin: () => specsOf(ofAll + ofAdmins.trimStart()),
};
