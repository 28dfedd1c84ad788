import { describe, expect, it } from 'vitest';
import { builtinPluginsOn } from '../../functions/builtin-plugins.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { overridePolicy } from '../../src/config/override-policy.ts';
import { fileAccess } from '../../src/files.ts';
import type { OverrideRules } from '../../src/herder/client-overrides.ts';
import { requireValid, validateForPlugin } from '../../src/herder/validate-connector-config.ts';
import { offeredPlugins } from '../../src/plugins/offered-plugins.ts';
import { registryOf } from '../../src/plugins/registry.ts';

const files = fileAccess({ folders: ['/data'], advice: 'Deploy with its folder in fileFolders.' });
const registry = registryOf(builtinPluginsOn(files));
const source = { name: 'n', 'connector.class': 'FileStreamSource', topic: 't', file: '/data/in.txt' };
const sink = { name: 'n', 'connector.class': 'FileStreamSink', topics: 't', file: '/data/out.txt' };

const installationOf = (overrideRules?: OverrideRules, plugins = registry) => ({
  plugins,
  converterDefaults: apacheConverters,
  ...(overrideRules === undefined ? {} : { overrideRules }),
});

/** The settings that have errors, with them. */
async function errorsOf(config: Record<string, string>, rules?: OverrideRules, plugins = registry) {
  const installation = installationOf(rules, plugins);
  const { configs, error_count } = await validateForPlugin(installation, config['connector.class']!, config);
  const errors = configs.flatMap(({ value }) => value.errors.map((error) => [value.name, error]));
  expect(error_count).toBe(errors.length);
  return Object.fromEntries(errors);
}

describe('files', () => {
  it.each([source, sink])('of allowed folders pass, others are refused at the key, with the fix', async (config) => {
    expect(await errorsOf(config)).toEqual({});
    for (const file of ['/etc/passwd', '/data/../etc/passwd', '/database/x', ' /etc/passwd ']) {
      expect(await errorsOf({ ...config, file })).toEqual({ file: expect.stringContaining('in fileFolders') });
      await expect(requireValid(installationOf(), { ...config, file })).rejects.toThrow('may not be used');
    }
    expect(await errorsOf({ ...config, file: '/proc/self/environ' })).toHaveProperty('file');
  });
});

describe('plugins that are left out', () => {
  const plugins = registryOf(offeredPlugins(registry.list(), { allow: [], deny: ['FileStreamSource', 'Filter'] }));

  it('are unknown, as a class that never was', async () => {
    await expect(requireValid(installationOf(undefined, plugins), source)).rejects.toThrow(
      /which name matches FileStreamSource, available connectors are: (?!.*FileStreamSourceConnector).*FileStreamSinkConnector/,
    );
    const filtered = { ...sink, transforms: 'f', 'transforms.f.type': 'org.apache.kafka.connect.transforms.Filter' };
    expect(await errorsOf(filtered)).toEqual({});
    const known = await errorsOf(filtered, undefined, plugins);
    const unheard = await errorsOf({ ...filtered, 'transforms.f.type': 'com.example.Filter' }, undefined, plugins);
    expect(Object.keys(known)).toEqual(['transforms.f.type']);
    expect(known['transforms.f.type']).toBe(
      unheard['transforms.f.type'].replaceAll('com.example.Filter', filtered['transforms.f.type']),
    );
  });
});

describe('a class that is none', () => {
  const refused = (config: Record<string, string>, plugins = registry) =>
    expect(requireValid(installationOf(undefined, plugins), { ...source, ...config })).rejects;

  it('is told with what may have been meant', async () => {
    await refused({ 'connector.class': 'FileStreamSorce' }).toThrow(/Did you mean FileStreamSource/);
    await refused({ 'connector.class': 'org.example.FileStreamSinkConector' }).toThrow(/Did you mean FileStreamSink/);
    await refused({ 'connector.class': 'com.example.Ledger' }).toThrow(/^(?!.*Did you mean)/s);
  });

  it('of the runtime that is asked for: the setting is named, and how to have plugins of it', async () => {
    await refused({ 'drover.plugin.runtime': 'java' }).toThrow(
      /drover\.plugin\.runtime=java: no connectors of Java are installed.*DROVER_JAVA_PLUGINS.*leave drover\.plugin\.runtime out for the typescript one$/s,
    );
    const onJava = registry.list().map((plugin) => ({ ...plugin, runtime: 'java' as const }));
    await refused({ 'drover.plugin.runtime': 'typescript' }, registryOf(onJava)).toThrow(
      /there is \S+FileStreamSourceConnector of java alone; leave drover\.plugin\.runtime out for it$/,
    );
    await refused(
      { 'drover.plugin.runtime': 'java', 'connector.class': 'FileStreamSorce' },
      registryOf(onJava),
    ).toThrow(/Did you mean FileStreamSource/);
  });
});

describe('overrides', () => {
  const policy = (name: string, allowlist = '') =>
    overridePolicy({
      'connector.client.config.override.policy': name,
      'connector.client.config.override.allowlist': allowlist,
    });
  const scram = { bootstrapServers: 'b:9096', protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512', certificate: false };

  it('are refused where the policy does not allow them, also when the value is a reference', async () => {
    const rules = { policy: policy('Allowlist', 'acks'), installation: null, hosts: [] };
    const config = {
      ...source,
      'producer.override.acks': '1',
      'producer.override.linger.ms': '5',
      'consumer.override.sasl.jaas.config': `\${secretsmanager:db:jaas}`,
    };
    expect(await errorsOf(config, rules)).toEqual({
      'producer.override.linger.ms':
        "The 'Allowlist' policy does not allow 'linger.ms' to be overridden in the connector configuration.",
      'consumer.override.sasl.jaas.config':
        "The 'Allowlist' policy does not allow 'sasl.jaas.config' to be overridden in the connector configuration.",
    });
    await expect(requireValid(installationOf(rules), config)).rejects.toThrow("does not allow 'linger.ms'");
    expect(await errorsOf(config)).toEqual({});
  });

  it('that cannot be read are errors of their fields, whatever the policy; misspelt ones are refused by the policy alone', async () => {
    const none = { policy: policy('None'), installation: null, hosts: [] };
    const config = { ...source, 'producer.override.linger.ms': 'abc', 'producer.override.foo': 'x' };
    const unread = expect.stringContaining('Invalid value abc');
    expect(await errorsOf(config)).toEqual({ 'producer.override.linger.ms': unread });
    expect(await errorsOf({ ...source, 'producer.override.foo': 'x' }, none)).toEqual({
      'producer.override.foo':
        "The 'None' policy does not allow 'foo' to be overridden in the connector configuration.",
    });
    expect(Object.keys(await errorsOf(config, none)).sort()).toEqual([
      'producer.override.foo',
      'producer.override.linger.ms',
    ]);
    await expect(requireValid(installationOf(), config)).rejects.toThrow('Invalid value abc');
  });

  it('of a connection must bring an identity: validation names the key', async () => {
    const rules = { policy: policy('All'), installation: scram, hosts: [] };
    const elsewhere = { ...source, 'producer.override.bootstrap.servers': 'x:9096' };
    expect(await errorsOf(elsewhere, rules)).toEqual({
      'producer.override.sasl.jaas.config': expect.stringContaining(
        "nothing of the installation's own identity is used",
      ),
    });
    const brought = { ...elsewhere, 'producer.override.sasl.jaas.config': `\${secretsmanager:db:jaas}` };
    expect(await errorsOf(brought, rules)).toEqual({});
    expect(await errorsOf({ ...source, 'producer.override.acks': '1' }, rules)).toEqual({});
    const iam = { ...rules, installation: { ...scram, mechanism: 'AWS_MSK_IAM' } };
    expect(Object.keys(await errorsOf(elsewhere, iam))).toEqual(['producer.override.sasl.mechanism']);
  });

  it('to hosts that are not listed are refused, and so are registries', async () => {
    const rules = { policy: policy('All'), installation: null, hosts: ['b.example', '*.registries.example'] };
    const refused = {
      ...source,
      'producer.override.bootstrap.servers': 'evil.example:9092',
      'value.converter': 'io.confluent.connect.avro.AvroConverter',
      'value.converter.schema.registry.url': 'http://evil.example',
    };
    expect(await errorsOf(refused, rules)).toEqual({
      'producer.override.bootstrap.servers': expect.stringContaining('deploy with it in connectorHosts'),
      'value.converter.schema.registry.url': expect.stringContaining('the host evil.example is not one'),
    });
    await expect(requireValid(installationOf(rules), refused)).rejects.toThrow('the host evil.example');
    const fine = {
      ...refused,
      'producer.override.bootstrap.servers': 'b.example:9092',
      'value.converter.schema.registry.url': 'https://a.registries.example/x',
    };
    expect(await errorsOf(fine, rules)).toEqual({});
  });
});
