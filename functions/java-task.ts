import './java-early.ts';
import type { Context } from 'aws-lambda';
import { answerQuestion, parsePluginQuestion } from '../src/java-host/plugin-question.ts';
import { handler as taskHandler } from './task.ts';
import { plugins } from './worker.ts';

/** The task function with a JVM beside it: the same runs, and what only a Java class can say, for who asks. */
export const handler = async (event: unknown, context: Context): Promise<unknown> => {
  const question = parsePluginQuestion(event);
  return question === null ? await taskHandler(event, context) : await answerQuestion(plugins, question);
};
