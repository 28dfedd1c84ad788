import {
  CfnDynamicReference,
  CfnParameter,
  CustomResource,
  Duration,
  Lazy,
  Reference,
  RemovalPolicy,
  SecretValue,
  Stack,
  Token,
  Tokenization,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ConnectorSecret } from './connector-secret.ts';
import type { DroverConnectorConfig, SettingsOf, SettingValue } from './connector-settings.ts';
import type { Drover } from './drover.ts';
import type { IDrover } from './imported-drover.ts';
import { knownSettings } from './known-connectors.ts';

/** An offset as `GET /connectors/{name}/offsets` shows it. */
export interface InitialOffset {
  readonly partition: Readonly<Record<string, string | number | boolean | null>>;
  readonly offset: Readonly<Record<string, string | number | boolean | null>>;
}

/** What is said of any connector beside its name and config. */
export interface DroverConnectorOptions {
  /**
   * Of a connector that is created. One that is there is left as it is: who has paused it has a reason.
   * @default 'RUNNING'
   */
  readonly initialState?: 'RUNNING' | 'PAUSED' | 'STOPPED';
  /**
   * Where a connector begins that is created by this construct for the first time.
   * @default - where the connector begins by itself, or where one of this name left off
   */
  readonly initialOffsets?: readonly InitialOffset[];
  /**
   * What becomes of the connector when the construct leaves the stack, or gets another name: DESTROY deletes it, RETAIN lets
   * it run on.
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether its offsets are deleted with it. They stay, as with DELETE of the REST API, so that a connector of the same name
   * goes on where this one left off.
   * @default false
   */
  readonly removeOffsets?: boolean;
  /**
   * Takes over a connector of this name that is there and that no stack has declared. Goes with removalPolicy RETAIN: a
   * deployment that is rolled back would else delete it. Leave out both when it is deployed.
   * @default false: such a deployment fails
   */
  readonly adopt?: boolean;
  /**
   * Whether each deployment holds the connector against its declaration and puts right what somebody has changed. For that
   * the template says when it was made, or what the context `drover:deployment` says. Without it a deployment looks
   * only at connectors whose declaration has changed.
   * @default true
   */
  readonly mendDrift?: boolean;
}

export interface DroverConnectorProps<Class extends string = string> extends DroverConnectorOptions {
  /** Of this app, or of another one: `Drover.fromStackName`. */
  readonly drover: IDrover;
  /** Another name is another connector, created before this one is removed. */
  readonly name: string;
  /** Typed by its `connector.class`, for connectors that come with Drover. Secrets: see ConnectorSecret. */
  readonly config: DroverConnectorConfig<Class>;
}

/** The connector that an event source or a bucket is attached for; what the part knows itself is not said again. */
export interface AttachedConnector<Class extends string, Given extends string = never> extends DroverConnectorOptions {
  readonly name: string;
  readonly config: Omit<SettingsOf<Class>, Given>;
}

/**
 * A connector as part of a stack: created, changed and deleted with it. A config that the REST API would refuse fails the
 * deployment with its words, and is rolled back.
 *
 *     new DroverConnector(this, 'Orders', {
 *       drover,
 *       name: 'orders',
 *       config: { 'connector.class': 'SqsSource', 'sqs.queue.url': queue.queueUrl, topics: 'orders' },
 *     });
 */
export class DroverConnector<const Class extends string = string> extends Construct {
  /** Known when it is there: what refers to it is deployed after it. */
  readonly connectorName: string;

  constructor(scope: Construct, id: string, props: DroverConnectorProps<Class>) {
    super(scope, id);
    const { drover, name, removalPolicy = RemovalPolicy.DESTROY, initialOffsets } = props;
    checkName(name);
    checkOptions(props);
    drover.connectors.declare(name, this);
    const config = settingsOf(this, drover, props.config as Readonly<Record<string, unknown>>);
    const resource = new CustomResource(this, 'Resource', {
      serviceToken: drover.connectors.function.functionArn,
      resourceType: 'Custom::DroverConnector',
      // Longer than the function may take, with the two times that Lambda repeats it.
      serviceTimeout: Duration.minutes(20),
      properties: {
        Name: name,
        Config: config,
        InitialState: props.initialState ?? 'RUNNING',
        OnRemoval: onRemoval(removalPolicy, props.removeOffsets ?? false),
        ...(initialOffsets === undefined ? {} : { InitialOffsets: Stack.of(this).toJsonString(initialOffsets) }),
        ...(props.adopt === true ? { Adopt: 'true' } : {}),
        ...(props.mendDrift === false ? {} : { Deployment: deploymentOf(this) }),
      },
    });
    this.connectorName = resource.ref;
  }
}

/** Whatever its class. */
interface AnyAttached extends DroverConnectorOptions {
  readonly name: string;
  readonly config: object;
}

/** Declares the connector of a part of an installation, beside that. `given`: what the part knows. */
export function attachConnector(
  drover: Drover,
  connectorClass: string,
  given: Readonly<Record<string, string>>,
  { name, config, ...options }: AnyAttached,
): DroverConnector {
  const { scope } = drover.connectors;
  const id = Token.isUnresolved(name) ? `Connector${scope.node.children.length}` : name.replaceAll('/', '-');
  const settings = config as Readonly<Record<string, SettingValue>>;
  return new DroverConnector<string>(scope, id, {
    ...options,
    drover,
    name,
    config: { 'connector.class': connectorClass, ...settings, ...given },
  });
}

const longestName = 1000;

function checkName(name: string): void {
  if (Token.isUnresolved(name)) return;
  if (name === '' || name !== name.trim() || /\p{Cc}/u.test(name)) {
    throw new Error(
      `name is ${JSON.stringify(name)}: it must be a text without control characters and blanks around it`,
    );
  }
  if (Buffer.byteLength(name) > longestName) throw new Error(`name takes more than ${longestName} bytes`);
}

function checkOptions({ adopt, removalPolicy, removeOffsets }: DroverConnectorOptions): void {
  if (adopt === true && removalPolicy !== RemovalPolicy.RETAIN) {
    throw new Error(
      'adopt takes over a connector that is there, which a deployment that is rolled back would delete: say ' +
        'removalPolicy: RemovalPolicy.RETAIN with it, and leave out both when it is deployed',
    );
  }
  if (removeOffsets === true && removalPolicy === RemovalPolicy.RETAIN) {
    throw new Error('removeOffsets goes with a connector that is deleted, and removalPolicy is RETAIN: leave out one');
  }
}

function onRemoval(policy: RemovalPolicy, removeOffsets: boolean): string {
  switch (policy) {
    case RemovalPolicy.DESTROY:
      return removeOffsets ? 'delete-with-offsets' : 'delete';
    case RemovalPolicy.RETAIN:
      return 'keep';
    default:
      throw new Error(`removalPolicy is ${policy}: a connector knows DESTROY and RETAIN`);
  }
}

const synthesised = new Date().toISOString();

/** What makes CloudFormation ask about each connector, though nothing of its declaration has changed. */
function deploymentOf(scope: Construct): string {
  const given: unknown = scope.node.tryGetContext('drover:deployment');
  return given === undefined || given === '' ? synthesised : String(given);
}

/** Names of settings that are secrets wherever they stand: those of Kafka's clients, converters and many connectors. */
const secretName =
  /(?:^|[._-])(?:password|passphrase|secret[._-]?(?:access[._-]?)?key(?:\.id)?|sasl\.jaas\.config|auth\.user\.info|client[._-]?secret|ssl\.(?:keystore|truststore)\.key)$/i;

/** As texts. Throws for a secret that would stand in the template. */
function settingsOf(
  scope: Construct,
  drover: IDrover,
  config: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const known = knownSettings(String(config['connector.class']));
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined) continue;
    const text = textOf(key, value);
    const secrets = secretsIn(text);
    refuseSecretValues(key, text);
    const isSecret = known?.keys.get(key)?.type === 'PASSWORD' || secretName.test(key);
    if (isSecret && text !== '' && secrets.length === 0 && !/\$\{[^}:]+:/.test(text)) {
      throw new Error(
        `The setting ${key} of ${scope.node.path} is a secret, and would stand in the template for all to read: ` +
          'give it as ConnectorSecret.fromSecretsManager(secret, field) or ConnectorSecret.fromSsmParameter(parameter)',
      );
    }
    for (const secret of secrets) secret.allowFor(drover);
    settings[key] = text;
  }
  return settings;
}

function textOf(key: string, value: unknown): string {
  if (SecretValue.isSecretValue(value)) throw secretValue(key);
  if (value instanceof ConnectorSecret) return value.toString();
  if (Array.isArray(value)) {
    return Token.isUnresolved(value) ? Lazy.string({ produce: () => value.join(',') }) : value.map(String).join(',');
  }
  if (typeof value === 'number') return Token.isUnresolved(value) ? Tokenization.stringifyNumber(value) : String(value);
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  throw new Error(
    `The setting ${key} is ${value === null ? 'null' : typeof value}: give it a text, number, boolean or list`,
  );
}

const tokensIn = (text: string) => Tokenization.reverseString(text).tokens;
const secretsIn = (text: string) => tokensIn(text).filter((token) => token instanceof ConnectorSecret);

function refuseSecretValues(key: string, text: string): void {
  if (/\{\{resolve:(?:secretsmanager|ssm-secure):/.test(text)) throw secretValue(key);
  for (const token of tokensIn(text)) {
    if (SecretValue.isSecretValue(token)) throw secretValue(key);
    if (token instanceof CfnDynamicReference) throw secretValue(key);
    if (Reference.isReference(token) && token.target instanceof CfnParameter && token.target.noEcho) {
      throw new Error(
        `The setting ${key} is a NoEcho parameter of the template, whose value the table would hold: put the secret into ` +
          'Secrets Manager or a parameter of SSM, and give it as a ConnectorSecret',
      );
    }
  }
}

const secretValue = (key: string) =>
  new Error(
    `The setting ${key} is a SecretValue, which CloudFormation would resolve into the request and the table: give it as ` +
      'ConnectorSecret.fromSecretsManager(secret, field) or ConnectorSecret.fromSsmParameter(parameter)',
  );
