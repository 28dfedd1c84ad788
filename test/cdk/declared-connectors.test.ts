import { App, CfnParameter, RemovalPolicy, SecretValue, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { describe, expect, it } from 'vitest';
import {
  ConnectorSecret,
  Drover,
  DroverConnector,
  type DroverConnectorConfig,
  s3Source,
  sqsSource,
} from '../../cdk/index.ts';
import { knownSinks, knownSources } from '../../cdk/known-connectors.ts';
import { connectors } from '../../connectors/index.ts';
import { env, plain, secretArn, synthesise, withoutBundles } from './synthesise.ts';

const url = 'https://sqs.eu-west-1.amazonaws.com/111122223333/orders';
const config = { 'connector.class': 'SqsSource', 'sqs.queue.url': url, topics: 'orders' } as const;

function declared(more: (stack: Stack, drover: Drover) => void, context: Record<string, unknown> = {}) {
  const stack = new Stack(new App({ context: { ...withoutBundles.context, ...context } }), 'Test', { env });
  const drover = new Drover(stack, 'Drover', plain);
  more(stack, drover);
  return { template: Template.fromStack(stack), stack, drover };
}

const propertiesOf = (template: Template) =>
  Object.values(template.findResources('Custom::DroverConnector')).map(({ Properties }) => Properties);

describe('a connector as code', () => {
  it('is a resource whose function is made with the first one, after all that a connector needs', () => {
    const { template } = declared((stack, drover) => {
      new DroverConnector(stack, 'Orders', { drover, name: 'orders', config });
      new DroverConnector(stack, 'Bills', { drover, name: 'bills', config });
    });
    const functions = template.findResources('AWS::Lambda::Function', {
      Properties: { Description: Match.stringLikeRegexp('stacks declare') },
    });
    expect(Object.keys(functions)).toHaveLength(1);
    const [id, fn] = Object.entries(functions)[0]!;
    for (const type of ['AWS::IAM::Policy', 'AWS::Lambda::EventSourceMapping', 'AWS::DynamoDB::Table']) {
      for (const before of Object.keys(template.findResources(type)).filter((one) => !one.includes('Connectors'))) {
        expect(fn.DependsOn).toContain(before);
      }
    }
    expect(propertiesOf(template)).toMatchObject([
      {
        ServiceToken: { 'Fn::GetAtt': [id, 'Arn'] },
        Name: 'orders',
        Config: config,
        InitialState: 'RUNNING',
        OnRemoval: 'delete',
      },
      { Name: 'bills' },
    ]);
  });

  it('may be declared by another app, of an installation whose stack it names', () => {
    const { template: installation } = declared((_, drover) => {
      expect(drover.shareConnectors()).toBe(drover.shareConnectors());
    });
    installation.hasOutput('*', { Export: { Name: 'Test-DroverConnectors' } });
    const stack = new Stack(new App(withoutBundles), 'Orders', { env });
    const drover = Drover.fromStackName(stack, 'Drover', 'Test');
    const arn = secretArn('key-AbCdEf');
    const secret = Secret.fromSecretCompleteArn(stack, 'Secret', arn);
    const settings = { 'connector.class': 'com.example.Source', topic: 'orders' };
    new DroverConnector<string>(stack, 'Connector', {
      drover,
      name: 'orders',
      config: { ...settings, password: ConnectorSecret.fromSecretsManager(secret, 'key') },
    });
    const template = Template.fromStack(stack);
    expect(propertiesOf(template)).toMatchObject([
      {
        ServiceToken: { 'Fn::ImportValue': 'Test-DroverConnectors' },
        Name: 'orders',
        Config: { ...settings, password: `\${secretsmanager:${arn}:key}` },
      },
    ]);
    template.resourceCountIs('AWS::Lambda::Function', 0);
    Annotations.fromStack(stack).hasInfo(
      '/Orders/Drover',
      Match.stringLikeRegexp(`${arn}: connectorSecrets of the app`),
    );
    expect(() => new DroverConnector(stack, 'Again', { drover, name: 'orders', config })).toThrow(/declared twice/);
    expect(drover.connectors.named('orders')?.node.id).toBe('Connector');
  });

  it('is asked about at every deployment, unless it is not to be', () => {
    const { template } = declared(
      (stack, drover) => {
        new DroverConnector(stack, 'Orders', { drover, name: 'orders', config });
        new DroverConnector(stack, 'Bills', { drover, name: 'bills', config, mendDrift: false });
      },
      { 'drover:deployment': 'commit-1' },
    );
    const [orders, bills] = propertiesOf(template);
    expect(orders.Deployment).toBe('commit-1');
    expect(bills).not.toHaveProperty('Deployment');
  });

  it('has texts of numbers, booleans, lists and what only the deployment knows', () => {
    const { template } = declared((stack, drover) => {
      const bucket = new Bucket(stack, 'Bucket');
      const count = new CfnParameter(stack, 'Count', { type: 'Number' });
      new DroverConnector(stack, 'Files', {
        drover,
        name: 'files',
        config: {
          'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
          's3.bucket.name': bucket.bucketName,
          'flush.size': 1000,
          'tasks.max': count.valueAsNumber,
          'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
          topics: ['a', 'b'],
          'flush.when.drained': true,
          'transforms.one.field': '',
        },
      });
    });
    expect(propertiesOf(template)[0].Config).toEqual({
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      's3.bucket.name': { Ref: expect.stringMatching(/^Bucket/) },
      'flush.size': '1000',
      'tasks.max': { Ref: 'Count' },
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      topics: 'a,b',
      'flush.when.drained': 'true',
      'transforms.one.field': '',
    });
  });

  it('says what becomes of it: the connector stays or goes, with its offsets or without', () => {
    const of = (options: object) =>
      propertiesOf(
        declared(
          (stack, drover) => new DroverConnector(stack, 'Orders', { drover, name: 'orders', config, ...options }),
        ).template,
      )[0];
    expect(of({ removeOffsets: true }).OnRemoval).toBe('delete-with-offsets');
    expect(of({ removalPolicy: RemovalPolicy.RETAIN }).OnRemoval).toBe('keep');
    expect(of({ adopt: true, removalPolicy: RemovalPolicy.RETAIN })).toMatchObject({
      Adopt: 'true',
      OnRemoval: 'keep',
    });
    const offsets = [{ partition: { file: 'a' }, offset: { position: 12 } }];
    expect(of({ initialState: 'STOPPED', initialOffsets: offsets })).toMatchObject({
      InitialState: 'STOPPED',
      InitialOffsets: JSON.stringify(offsets),
    });
    expect(() => of({ adopt: true })).toThrow('removalPolicy: RemovalPolicy.RETAIN');
    expect(() => of({ removeOffsets: true, removalPolicy: RemovalPolicy.RETAIN })).toThrow('leave out one');
    expect(() => of({ removalPolicy: RemovalPolicy.SNAPSHOT })).toThrow('a connector knows DESTROY and RETAIN');
  });

  it('of a name that is taken, or none, is refused', () => {
    const twice = () =>
      declared((stack, drover) => {
        new DroverConnector(stack, 'Orders', { drover, name: 'orders', config });
        sqsSource(drover, { queue: new Queue(stack, 'Queue'), connector: { name: 'orders', config: { topics: 'a' } } });
      });
    expect(twice).toThrow(
      'The connector orders is declared twice, by Test/Orders and by Test/Drover/Connectors/orders',
    );
    for (const name of ['', ' a', 'a\n', 'a'.repeat(1001)]) {
      const refused = () => declared((stack, drover) => new DroverConnector(stack, 'One', { drover, name, config }));
      expect(refused).toThrow(/^name (?:is|takes)/);
    }
  });

  it('costs an installation without one nothing', () => {
    synthesise(() => plain).template.resourceCountIs('AWS::Lambda::Function', 4);
  });
});

describe('a secret of a connector', () => {
  const jdbc = (value: unknown, key = 'connection.password') => ({
    'connector.class': 'com.example.Jdbc',
    [key]: value,
  });

  it('is a reference in the template, which the functions that run connectors may resolve, and no others', () => {
    const { template } = declared((stack, drover) => {
      const secret = Secret.fromSecretCompleteArn(stack, 'Db', secretArn('db'));
      const parameter = StringParameter.fromSecureStringParameterAttributes(stack, 'Key', {
        parameterName: '/orders/key',
      });
      const password = ConnectorSecret.fromSecretsManager(secret, 'password');
      new DroverConnector(stack, 'One', {
        drover,
        name: 'one',
        config: {
          'connector.class': 'com.example.Jdbc',
          'connection.password': password,
          'producer.override.sasl.jaas.config': `Login required password="${password}";`,
          'api.client.secret': ConnectorSecret.fromSsmParameter(parameter),
        } as DroverConnectorConfig<'com.example.Jdbc'>,
      });
    });
    expect(propertiesOf(template)[0].Config).toEqual({
      'connector.class': 'com.example.Jdbc',
      'connection.password': `\${secretsmanager:${secretArn('db')}:password}`,
      'producer.override.sasl.jaas.config': `Login required password="\${secretsmanager:${secretArn('db')}:password}";`,
      'api.client.secret': '${ssm:/orders/key}',
    });
    const told = Object.values(template.findResources('AWS::Lambda::Function')).map(
      ({ Properties }) => Properties.Environment.Variables.DROVER_CONNECTOR_SECRETS,
    );
    expect(new Set(told)).toEqual(new Set([secretArn('db')]));
    const readers = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
      JSON.stringify(policy).includes('secretsmanager:GetSecretValue'),
    );
    expect(readers.flatMap(({ Properties }) => Properties.Roles)).toEqual([
      { Ref: expect.stringContaining('TaskFunctionRole') },
    ]);
  });

  it('of a feed may be read by the feed function too, whichever was made first', () => {
    const { template } = declared((stack, drover) => {
      const secret = Secret.fromSecretCompleteArn(stack, 'Db', secretArn('db'));
      const declare = (name: string) =>
        new DroverConnector(stack, name, {
          drover,
          name,
          config: jdbc(ConnectorSecret.fromSecretsManager(secret)) as DroverConnectorConfig<'com.example.Jdbc'>,
        });
      declare('one');
      sqsSource(drover, { queue: new Queue(stack, 'Queue') });
      declare('two');
    });
    const readers = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
      JSON.stringify(policy).includes('secretsmanager:GetSecretValue'),
    );
    expect(JSON.stringify(readers.flatMap(({ Properties }) => Properties.Roles))).toMatch(
      /TaskFunctionRole.*FeedFunctionRole/,
    );
  });

  it('never is the value itself', () => {
    const put = (value: (stack: Stack) => unknown, key?: string) => () =>
      declared((stack, drover) => {
        const config = jdbc(value(stack), key) as DroverConnectorConfig<'com.example.Jdbc'>;
        new DroverConnector(stack, 'One', { drover, name: 'one', config });
      });
    const hint = 'give it as ConnectorSecret.fromSecretsManager(secret, field)';
    expect(put(() => SecretValue.unsafePlainText('hunter2'))).toThrow(hint);
    expect(put(() => SecretValue.secretsManager('db').unsafeUnwrap(), 'user')).toThrow(hint);
    expect(put(() => SecretValue.secretsManager('db').toString(), 'user')).toThrow(hint);
    expect(put(() => `x${SecretValue.ssmSecure('db', '1').unsafeUnwrap()}`, 'user')).toThrow(hint);
    expect(put(() => '{{resolve:secretsmanager:db:SecretString:password}}', 'user')).toThrow(hint);
    expect(put((stack) => new CfnParameter(stack, 'P', { noEcho: true }).valueAsString, 'user')).toThrow('NoEcho');
    for (const key of ['connection.password', 'aws.secret.access.key', 'consumer.override.ssl.key.password']) {
      expect(put(() => 'hunter2', key)).toThrow(`The setting ${key} of Test/One is a secret`);
      expect(put(() => '${env:PASSWORD}', key)).not.toThrow();
    }
    const webhook = {
      'connector.class': 'WebhookSource',
      'kafka.topic': 'a',
      'http.auth.hmac.secrets': 'hunter2',
    } as const;
    const literal = () =>
      declared((stack, drover) => {
        // @ts-expect-error: what is declared as a secret cannot be a literal
        new DroverConnector(stack, 'One', { drover, name: 'one', config: webhook });
      });
    expect(literal).toThrow('The setting http.auth.hmac.secrets of Test/One is a secret');
  });

  it('is not the one of the installation', () => {
    const own = (stack: Stack) => Secret.fromSecretCompleteArn(stack, 'Kafka', secretArn('kafka'));
    const refused = () => {
      const stack = new Stack(new App(withoutBundles), 'Test', { env });
      const secret = own(stack);
      const drover = new Drover(stack, 'Drover', { ...plain, security: { type: 'scram', secret } });
      drover.allowConnectorSecret(secret);
    };
    expect(refused).toThrow('connectorSecrets lists the secret of security');
  });
});

describe('a part with its connector', () => {
  it('says to the config what it knows, so that one statement gives queue, rights and connector', () => {
    const { template } = declared((stack, drover) => {
      const queue = new Queue(stack, 'Queue');
      sqsSource(drover, { queue, connector: { name: 'orders', config: { topics: 'orders' } } });
      const bucket = new Bucket(stack, 'Bucket');
      s3Source(drover, {
        bucket,
        prefix: 'in/',
        finished: { movedTo: 'done/' },
        connector: { name: 'files', initialState: 'PAUSED', config: { topic: 'files' } },
      });
    });
    const [orders, files] = propertiesOf(template);
    expect(orders.Config).toEqual({
      'connector.class': 'SqsSource',
      'sqs.queue.url': { Ref: expect.stringMatching(/^Queue/) },
      topics: 'orders',
    });
    expect(files).toMatchObject({
      InitialState: 'PAUSED',
      Config: {
        'aws.s3.prefix': 'in/',
        'objects.finished': 'move',
        'objects.finished.prefix': 'done/',
        topic: 'files',
      },
    });
    expect(JSON.stringify(template.findResources('AWS::Events::Rule'))).toContain('files');
  });
});

describe('the type of a config', () => {
  it('is known for each connector that comes with Drover, and holds each of its settings', () => {
    const classes = [...Object.keys(knownSources), ...Object.keys(knownSinks)];
    expect(classes.sort()).toEqual(connectors.map(({ className }) => className).sort());
  });

  it('refuses what is misspelled, missing or of another kind, and takes any settings of other connectors', () => {
    const typed = <const C extends string>(one: DroverConnectorConfig<C>) => one;
    typed({ 'connector.class': 'SqsSource', 'sqs.queue.url': url, topics: 'a', 'transforms.a.type': 'b' });
    typed({ 'connector.class': 'SqsSourceConnector', 'sqs.queue.url': url, topics: 'a', 'tasks.max': 2 });
    typed({ 'connector.class': 'com.example.Jdbc', anything: 'goes' });
    // @ts-expect-error: a setting that there is not
    typed({ 'connector.class': 'SqsSource', 'sqs.queue.url': url, topics: 'a', 'sqs.queue.ulr': url });
    // @ts-expect-error: one that is missing
    typed({ 'connector.class': 'SqsSource', 'sqs.queue.url': url });
    // @ts-expect-error: no number
    typed({ 'connector.class': 'SqsSource', 'sqs.queue.url': url, topics: 'a', 'tasks.max': 'two' });
    // @ts-expect-error: not one of the values
    typed({ 'connector.class': 'SqsSource', 'sqs.queue.url': url, topics: 'a', 'sqs.refused.messages': 'drop' });
    // @ts-expect-error: also under the full name
    typed({ 'connector.class': 'com.nordstrom.kafka.connect.sqs.SqsSourceConnector', topics: 'a' });
    expect.assertions(0);
  });
});
