/** What is used of the library: a file of its own, so that its bundle holds no more. */
export { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose';
