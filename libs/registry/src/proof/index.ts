export * from './attach-proof.js';
export { type Envelope, keyIdOf, ProofError } from './envelope.js';
export * from './prove-holding.js';
export * from './statement.js';
