import type { Settings } from '../config/config-def.ts';

/** That a resource of a stack wants a connector to be there, with this config. */
export interface Declaration {
  /** ARN of the CloudFormation stack. */
  readonly stack: string;
  /** Logical id in it. */
  readonly resource: string;
  readonly config: Settings;
}

export interface Declarations {
  /**
   * The last one is in force. There is more than one only while a stack hands the connector from one resource to another,
   * which it may take back.
   */
  readonly list: readonly Declaration[];
  /** Changes with every write; null: nobody has declared it. */
  readonly version: number | null;
}

/** Which connectors stacks have declared. Each stands here until its resource is removed, whatever becomes of the connector. */
export interface DeclarationStore {
  /** Strongly consistent. */
  declarations(connector: string): Promise<Declarations>;
  /** An empty list forgets them. False, and no effect, when somebody else has written since `version`. */
  putDeclarations(connector: string, list: readonly Declaration[], version: number | null): Promise<boolean>;
}
