/** Within a sink's own prefix: where the rests of open files wait, unless `state.prefix` says another place. */
export const restsFolder = '_drover/';

/** Nobody's file: a source that reads where a sink writes passes over it. */
export const isRest = (key: string): boolean => key.startsWith(restsFolder) || key.includes(`/${restsFolder}`);
