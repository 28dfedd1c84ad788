import { Annotations, Fn } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct, type IConstruct } from 'constructs';
import { DeclaredNames } from './connectors.ts';

/** An installation that connectors are declared on: one of this app, or one that another app has deployed. */
export interface IDrover extends IConstruct {
  readonly connectors: IDeclaredConnectors;
  /** Lets connector configs refer to this secret. */
  allowConnectorSecret(secret: ISecret): void;
  /** Lets connector configs refer to this parameter. */
  allowConnectorParameter(parameter: IParameter): void;
}

export interface IDeclaredConnectors {
  /** What CloudFormation calls. */
  readonly function: IFunction;
  /** Throws for a name that another construct of this app has declared. */
  declare(name: string, construct: IConstruct): void;
  /** The construct that declares the connector of this name. */
  named(name: string): IConstruct | undefined;
}

/** What is to be known of an installation of another app. */
export interface DroverAttributes {
  /** Of the function that `drover.shareConnectors()` answers and exports. */
  readonly connectorsFunctionArn: string;
}

/** Of the stack's export that says which function takes declarations of other apps. */
export const connectorsExport = (stackName: string) => `${stackName}-DroverConnectors`;

/** An installation that another app has deployed. */
export class ImportedDrover extends Construct implements IDrover {
  readonly connectors: IDeclaredConnectors;

  constructor(scope: Construct, id: string, { connectorsFunctionArn }: DroverAttributes) {
    super(scope, id);
    const names = new DeclaredNames();
    this.connectors = {
      function: LambdaFunction.fromFunctionArn(this, 'Function', connectorsFunctionArn),
      declare: (name, construct) => names.declare(name, construct),
      named: (name) => names.named(name),
    };
  }

  static ofStack(scope: Construct, id: string, stackName: string): ImportedDrover {
    return new ImportedDrover(scope, id, { connectorsFunctionArn: Fn.importValue(connectorsExport(stackName)) });
  }

  allowConnectorSecret({ secretArn }: ISecret): void {
    this.#say('connectorSecrets', secretArn);
  }

  allowConnectorParameter({ parameterName }: IParameter): void {
    this.#say('connectorParameters', parameterName);
  }

  /** The rights of an installation are its own app's to give. */
  #say(prop: string, what: string): void {
    Annotations.of(this).addInfo(
      `Connectors refer to ${what}: ${prop} of the app that has deployed this Drover must list it, else their runs are refused it`,
    );
  }
}
