import { type IResolvable, type IResolveContext, Token } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import type { IDrover } from './imported-drover.ts';

/**
 * A secret in a connector's config: a reference, which the run resolves. Neither the template nor the table ever holds what
 * it stands for. May also stand inside a text: `` `user="drover" password="${ConnectorSecret.fromSecretsManager(secret, 'password')}";` ``.
 */
export class ConnectorSecret implements IResolvable {
  readonly creationStack: string[] = [];
  readonly #reference: string;
  readonly #allow: (drover: IDrover) => void;

  private constructor(reference: string, allow: (drover: IDrover) => void) {
    this.#reference = reference;
    this.#allow = allow;
  }

  /** `field`: of a secret that is a JSON object. @default - all of the secret */
  static fromSecretsManager(secret: ISecret, field?: string): ConnectorSecret {
    if (field !== undefined && /[:{}]/.test(field)) {
      throw new Error(`The field "${field}" of a secret cannot be referred to: its name holds ":", "{" or "}"`);
    }
    const path = field === undefined ? '' : `:${field}`;
    return new ConnectorSecret(`\${secretsmanager:${secret.secretArn}${path}}`, (drover) =>
      drover.allowConnectorSecret(secret),
    );
  }

  static fromSsmParameter(parameter: IParameter): ConnectorSecret {
    return new ConnectorSecret(`\${ssm:${parameter.parameterName}}`, (drover) =>
      drover.allowConnectorParameter(parameter),
    );
  }

  /** Lets the connectors of this installation read it. */
  allowFor(drover: IDrover): void {
    this.#allow(drover);
  }

  resolve(_context: IResolveContext): string {
    return this.#reference;
  }

  toString(): string {
    return Token.asString(this);
  }

  toJSON(): string {
    return '<a reference to a secret>';
  }
}
