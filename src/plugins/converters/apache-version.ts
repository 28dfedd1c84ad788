/** The Apache Kafka release whose behaviour these plugins have, which is what REST shows as their version. */
export const kafkaVersion = '4.3.0';
