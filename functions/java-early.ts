import { host } from './java-hosted.ts';

// It comes up beside all else that the function needs at its start. Who needs it later is told why it does not.
host.get().catch(() => {});
