import { definePlugin, type PluginDescriptor, type PluginExample } from '../../api/plugin.ts';
import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import type { ConfigDef, Settings } from '../../config/config-def.ts';
import { inPlace, keyPart, type RecordPart, valuePart } from './record-part.ts';

/** The version Connect's own plugins report: the release whose behaviour they have. */
export const CONNECT_VERSION = '4.3.0';

const javaPackage = 'org.apache.kafka.connect.transforms';

interface TransformDeclaration {
  /** Simple class name. */
  readonly name: string;
  readonly doc: string;
  readonly config: ConfigDef;
  readonly examples?: readonly PluginExample[];
}

/** A transformation that works on the whole record. */
export function defineTransform(
  declaration: TransformDeclaration,
  create: () => Transformation,
): PluginDescriptor<'transformation'>[] {
  return [describe(declaration, declaration.name, create)];
}

/** The `$Key` and `$Value` forms of one transformation. */
export function definePartTransform(
  declaration: TransformDeclaration,
  create: (part: RecordPart) => Transformation,
): PluginDescriptor<'transformation'>[] {
  return [keyPart, valuePart].map((part) =>
    describe(
      declaration,
      `${declaration.name}$${part.name}`,
      () => new PartTransform(create(part), create(inPlace(part))),
    ),
  );
}

/** A transformation with its twin for records that may be changed. */
class PartTransform implements Transformation {
  readonly #copying: Transformation;
  readonly #changing: Transformation;

  constructor(copying: Transformation, changing: Transformation) {
    this.#copying = copying;
    this.#changing = changing;
  }

  configure(settings: Settings): void {
    this.#copying.configure(settings);
    this.#changing.configure(settings);
  }

  apply<R extends ConnectRecord<R>>(record: R): R | null {
    return this.#copying.apply(record);
  }

  applyInPlace<R extends ConnectRecord<R>>(record: R): R | null {
    return this.#changing.apply(record);
  }
}

function describe(declaration: TransformDeclaration, name: string, create: () => Transformation) {
  return definePlugin({
    kind: 'transformation',
    className: `${javaPackage}.${name}`,
    version: CONNECT_VERSION,
    doc: declaration.doc,
    config: declaration.config,
    create,
    ...(declaration.examples === undefined ? {} : { examples: declaration.examples }),
  });
}
