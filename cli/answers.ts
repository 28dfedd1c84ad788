/** What commands print as JSON and the console's server answers to its page, which has these types of here. */

/** A connector as the console's table and picture show it. */
export interface ConnectorRow {
  readonly name: string;
  readonly type: string;
  readonly className: string;
  readonly state: string;
  readonly tasks: readonly TaskRow[];
  /** What is wrong with it, in a line. */
  readonly error: string | null;
  /** Records that it is behind; null: not known. */
  readonly lag: number | null;
  readonly lagSeconds: number | null;
  readonly records: number;
  readonly bytes: number;
  /** Records and bytes a second; null: it has not been looked at for long enough. */
  readonly recordRate: number | null;
  readonly byteRate: number | null;
  readonly runs: number;
  readonly running: boolean;
  readonly lastRunAt: string | null;
  readonly nextDueAt: string | null;
  /** Topics that its config names. */
  readonly topics: readonly string[];
}

export interface TaskRow {
  readonly id: number;
  readonly state: string;
  /** Its last runs in a row that found nothing, and so are in no log. */
  readonly emptyRuns: number;
  readonly lastRunAt: string | null;
}

export interface Overview {
  readonly at: number;
  /** Milliseconds until it is asked for anew, whoever asks. */
  readonly every: number;
  readonly connectors: readonly ConnectorRow[];
}

/** A run as the log tells of it. */
export interface Run {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly connector: string;
  /** `orders/0`; the connector's own runs have no number. */
  readonly task: string;
  readonly result: string;
  readonly durationMs: number | null;
  readonly records: number | null;
  readonly bytes: number | null;
  readonly commits: number | null;
  /** Runs in a row before this one that found nothing: they have no line of their own. */
  readonly emptyRuns: number | null;
  /** Dollars by list prices, the empty runs before it included: about, and without what the installation costs itself. */
  readonly cost: number | null;
  readonly error: string | null;
}

export interface RunPage {
  /** Of what is told from here on: `after` of the next question. */
  readonly cursor: string;
  /** The oldest that there are: more runs than are kept have ended since `since`. */
  readonly cut: boolean;
  readonly runs: readonly Run[];
}

export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: string;
  /** Where it came from and what was wrong, without the prefix `__connect.errors.`. */
  readonly context: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly key: string | null;
  readonly value: string | null;
}
