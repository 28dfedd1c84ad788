import type { HookRequest } from '../request.ts';

/** Throws Refusal for whom it does not know (401), lets in too little (403), or cannot tell just now (503). */
export type Authenticate = (request: HookRequest) => void | Promise<void>;
