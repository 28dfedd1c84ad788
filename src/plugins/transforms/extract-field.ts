import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { caseInsensitiveString } from '../../config/validators.ts';
import { DataError } from '../../errors.ts';
import { definePartTransform } from './define-transform.ts';
import { FieldPath } from './field-path.ts';
import type { RecordPart } from './record-part.ts';
import { requireMapOrNull, requireStructOrNull } from './requirements.ts';
import { PerSchema, replaceNullKey } from './struct-copy.ts';

const purpose = 'field extraction';

const config = defineConfig({
  field: { type: 'STRING', importance: 'MEDIUM', doc: 'The field, or with syntax `V2` the path to it.' },
  'replace.null.with.default': replaceNullKey,
  'field.syntax.version': {
    type: 'STRING',
    default: 'V1',
    importance: 'HIGH',
    doc: '`V1`: a plain name. `V2`: dots lead into nested fields; a name with dots goes into backticks. KIP-821.',
    validator: caseInsensitiveString('V1', 'V2'),
  },
});

class ExtractField implements Transformation {
  readonly #part: RecordPart;
  #path: FieldPath = FieldPath.plain('');
  #useDefault = true;
  readonly #fields = new PerSchema((schema) => this.#path.fieldOf(schema) ?? null);

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    const nested = values['field.syntax.version'].toUpperCase() === 'V2';
    this.#path = nested ? FieldPath.nested(values.field) : FieldPath.plain(values.field);
    this.#useDefault = values['replace.null.with.default'];
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const schema = this.#part.schema(record);
    const value = this.#part.value(record);
    if (schema === null) {
      const map = requireMapOrNull(value, purpose);
      return this.#part.replace(record, null, map === null ? null : this.#path.valueInMap(map));
    }
    const struct = requireStructOrNull(schema, value, purpose);
    const field = this.#fields.get(schema);
    if (field === null) {
      throw new DataError(`Unknown field: ${this.#path.text}`, { javaClass: 'IllegalArgumentException' });
    }
    const extracted = struct === null ? null : this.#path.valueInStruct(struct, this.#useDefault);
    return this.#part.replace(record, field.schema, extracted);
  }
}

export const extractField = definePartTransform(
  {
    name: 'ExtractField',
    doc: 'Makes one field the whole key or value.',
    config,
    examples: [
      {
        title: 'One field of several',
        settings: { field: 'id' },
        before: { value: { id: 'a', note: 'n' } },
        after: { value: 'a' },
      },
      {
        title: 'A nested field',
        settings: { field: 'address.city', 'field.syntax.version': 'V2' },
        before: { value: { address: { city: 'Ulm' } } },
        after: { value: 'Ulm' },
      },
    ],
  },
  (part) => new ExtractField(part),
);
