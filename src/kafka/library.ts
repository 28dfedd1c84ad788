/**
 * The parts of the client library that Drover uses, and no more, so that a bundler can leave the rest out. Loaded with
 * `import()` when the first connection or codec is needed: the library costs about 100 ms to load.
 */
export {
  Connection,
  compressionsAlgorithms,
  crc32c,
  saslOAuthBearer,
  saslPlain,
  saslScramSha,
  Writer,
} from '@platformatic/kafka';
