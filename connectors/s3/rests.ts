/** Within a sink's own prefix: where the rests of open files wait, unless `state.prefix` says another place. */
const restsFolder = '_drover/';

/** Nobody's file: a source that reads where a sink writes passes over it. */
export const isRest = (key: string): boolean => key.startsWith(restsFolder) || key.includes(`/${restsFolder}`);

/** `given`: as the setting has it. `prefix`: of all files. */
export function statePrefixOf(given: string | null, prefix: string): string {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const chosen = given ?? `${folder}${restsFolder}`;
  return chosen === '' || chosen.endsWith('/') ? chosen : `${chosen}/`;
}
