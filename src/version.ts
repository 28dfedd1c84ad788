/** The Apache release whose Connect this is compatible with; the root answer of the REST API shows it. */
export const kafkaConnectVersion = '4.3.0';

/** Drover's own version, as in package.json. */
export const droverVersion = '0.1.0';

/** Stands where Java Connect shows the commit that it was built from. */
export const droverBuild = `drover-${droverVersion}`;
