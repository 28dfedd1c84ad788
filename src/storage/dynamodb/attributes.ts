import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Attributes = Record<string, AttributeValue>;

export const S = (text: string): AttributeValue => ({ S: text });
export const N = (number: number | bigint): AttributeValue => ({ N: String(number) });
export const yes: AttributeValue = { BOOL: true };
export const nothing: AttributeValue = { NULL: true };

export const text = (item: Attributes, name: string): string | null => item[name]?.S ?? null;
export const flag = (item: Attributes, name: string): boolean => item[name]?.BOOL === true;

export function number(item: Attributes, name: string): number | null {
  const digits = item[name]?.N;
  return digits === undefined ? null : Number(digits);
}
