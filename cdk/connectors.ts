import { CfnElement } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct, Dependable, type IConstruct } from 'constructs';

/**
 * The connectors that an app declares: by which names, and the function that CloudFormation calls for them, made with the
 * first of them.
 */
export class Connectors {
  readonly #drover: Construct;
  readonly #create: (scope: Construct) => LambdaFunction;
  readonly #declared = new DeclaredNames();
  #scope: Construct | undefined;
  #function: LambdaFunction | undefined;

  constructor(drover: Construct, create: (scope: Construct) => LambdaFunction) {
    this.#drover = drover;
    this.#create = create;
  }

  /** Where the connectors lie that a part of the installation declares with itself. */
  get scope(): Construct {
    this.#scope ??= new Construct(this.#drover, 'Connectors');
    return this.#scope;
  }

  /** The function, where a connector is declared. */
  get made(): LambdaFunction | undefined {
    return this.#function;
  }

  /** What CloudFormation calls. */
  get function(): LambdaFunction {
    this.#function ??= this.#begin();
    return this.#function;
  }

  /** The construct that declares the connector of this name. */
  named(name: string): IConstruct | undefined {
    return this.#declared.named(name);
  }

  /** Throws for a name that another construct has declared. */
  declare(name: string, construct: IConstruct): void {
    this.#declared.declare(name, construct);
  }

  #begin(): LambdaFunction {
    const fn = this.#create(this.scope);
    // A connector is made when all it needs is there (rights, event sources, who runs it), and goes before them.
    fn.node.addDependency(new Everything(this.#drover, (node) => this.#isOurs(node)));
    return fn;
  }

  #isOurs(node: IConstruct): boolean {
    return node.node.scopes.some((scope) => scope === this.#scope || this.#declared.has(scope));
  }
}

/** Which construct of an app has declared which connector. */
export class DeclaredNames {
  readonly #declared = new Map<string, IConstruct>();

  named(name: string): IConstruct | undefined {
    return this.#declared.get(name);
  }

  has(construct: IConstruct): boolean {
    return [...this.#declared.values()].includes(construct);
  }

  /** Throws for a name that another construct has declared. */
  declare(name: string, construct: IConstruct): void {
    const other = this.#declared.get(name);
    if (other !== undefined) {
      throw new Error(
        `The connector ${name} is declared twice, by ${other.node.path} and by ${construct.node.path}: give one another name`,
      );
    }
    // A name that only the deployment knows stands here under its token, which no other name is.
    this.#declared.set(name, construct);
  }
}

/** All resources of an installation but some. */
class Everything extends Construct {
  constructor(drover: Construct, but: (node: IConstruct) => boolean) {
    super(drover, 'DeployedBeforeConnectors');
    Dependable.implement(this, {
      get dependencyRoots() {
        return drover.node.findAll().filter((node) => CfnElement.isCfnElement(node) && !but(node));
      },
    });
  }
}
