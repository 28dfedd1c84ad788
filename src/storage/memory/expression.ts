import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Attributes } from '../dynamodb/attributes.ts';

/**
 * The part of DynamoDB's expression language that the stores write: AND, OR, NOT, parentheses, comparisons, IN,
 * attribute_exists and attribute_not_exists; `#a = #b`, `#a = :v`, `#a.#b = :v`, `if_not_exists(#a, :v)`, `x + y`.
 * Anything else throws.
 */
export class Expression {
  readonly #tokens: string[];
  readonly #item: Attributes;
  readonly #values: Attributes;
  readonly #names: Readonly<Record<string, string>>;
  #at = 0;

  constructor(source: string, item: Attributes, values: Attributes, names: Readonly<Record<string, string>> = {}) {
    this.#tokens = source.match(/[#:]\w+|\w+|<=|>=|<>|[<>=(),.+-]/g) ?? [];
    this.#item = item;
    this.#values = values;
    this.#names = names;
  }

  holds(): boolean {
    const result = this.#or();
    this.#end();
    return result;
  }

  /** `path = value`: what it sets, where. */
  assignment(): { path: string[]; value: AttributeValue } {
    const path = this.#path();
    this.#expect('=');
    let value = this.#operand();
    while (this.#next() === '+') {
      this.#at++;
      value = { N: String(BigInt(digits(value)) + BigInt(digits(this.#operand()))) };
    }
    this.#end();
    if (value === undefined) throw new Error(`The attribute on the right of ${this.#tokens.join(' ')} is not there`);
    return { path, value };
  }

  #or(): boolean {
    let result = this.#and();
    while (this.#next() === 'OR') {
      this.#at++;
      const right = this.#and();
      result = result || right;
    }
    return result;
  }

  #and(): boolean {
    let result = this.#not();
    while (this.#next() === 'AND') {
      this.#at++;
      const right = this.#not();
      result = result && right;
    }
    return result;
  }

  #not(): boolean {
    if (this.#next() !== 'NOT') return this.#predicate();
    this.#at++;
    return !this.#not();
  }

  #predicate(): boolean {
    const token = this.#next();
    if (token === '(') {
      this.#at++;
      const result = this.#or();
      this.#expect(')');
      return result;
    }
    if (token === 'attribute_exists' || token === 'attribute_not_exists') {
      this.#at++;
      this.#expect('(');
      const found = this.#operand() !== undefined;
      this.#expect(')');
      return found === (token === 'attribute_exists');
    }
    const left = this.#operand();
    const operator = this.#take();
    if (operator === 'IN') {
      this.#expect('(');
      let found = false;
      do {
        found = compare(left, '=', this.#operand()) || found;
      } while (this.#take() === ',');
      return found;
    }
    return compare(left, operator, this.#operand());
  }

  #operand(): AttributeValue | undefined {
    const token = this.#next() ?? '';
    if (token.startsWith(':')) {
      this.#at++;
      const value = this.#values[token.slice(1)];
      if (value === undefined) throw new Error(`No value for ${token}`);
      return value;
    }
    if (token === 'if_not_exists') {
      this.#at++;
      this.#expect('(');
      const found = this.#operand();
      this.#expect(',');
      const otherwise = this.#operand();
      this.#expect(')');
      return found ?? otherwise;
    }
    const [first, ...rest] = this.#path();
    let value = this.#item[first as string];
    for (const name of rest) value = value?.M?.[name];
    return value;
  }

  #path(): string[] {
    const path = [this.#name()];
    while (this.#next() === '.') {
      this.#at++;
      path.push(this.#name());
    }
    return path;
  }

  #name(): string {
    const token = this.#take();
    if (!token.startsWith('#')) throw new Error(`${token} is not an attribute`);
    const name = token.slice(1);
    return this.#names[name] ?? name;
  }

  #next(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error('The expression ends too early');
    return token;
  }

  #expect(token: string): void {
    const found = this.#take();
    if (found !== token) throw new Error(`Expected ${token} and found ${found}`);
  }

  #end(): void {
    if (this.#at !== this.#tokens.length)
      throw new Error(`Left over in the expression: ${this.#tokens.slice(this.#at)}`);
  }
}

function digits(value: AttributeValue | undefined): string {
  if (value?.N === undefined) throw new Error('Only numbers can be added, and they must be there');
  return value.N;
}

/** A missing attribute compares as false with everything, as in DynamoDB. */
function compare(left: AttributeValue | undefined, operator: string, right: AttributeValue | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  const order = orderOf(left, right);
  switch (operator) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<=':
      return order !== null && order <= 0;
    case '<':
      return order !== null && order < 0;
    case '>':
      return order !== null && order > 0;
    case '>=':
      return order !== null && order >= 0;
  }
  throw new Error(`Unknown comparison ${operator}`);
}

/** Null: of different types. */
export function orderOf(left: AttributeValue, right: AttributeValue): number | null {
  if (left.N !== undefined && right.N !== undefined) return Math.sign(Number(left.N) - Number(right.N));
  if (left.S !== undefined && right.S !== undefined) return Buffer.compare(Buffer.from(left.S), Buffer.from(right.S));
  if (left.BOOL !== undefined && right.BOOL !== undefined) return Number(left.BOOL) - Number(right.BOOL);
  return null;
}
