/** All of them, or so many behind one of that name, which need not be there any more. */
export interface NamePage {
  readonly after?: string;
  readonly limit?: number;
}

/** `next`: the name to go on behind; null: there are no more. */
export interface Paged<T> {
  readonly values: readonly T[];
  readonly next: string | null;
}
