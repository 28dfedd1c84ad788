const legal = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

export const legalTopicNames = 'letters, digits, ".", "_" and "-", at most 249';

/** Whether Kafka makes a topic of this name. Java: org.apache.kafka.common.internals.Topic. */
export const isTopicName = (name: string): boolean => legal.test(name);
