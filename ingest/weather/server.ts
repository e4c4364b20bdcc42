// Plays the API of the sensors: each call gives what was measured since the last one.
import fastify, { type FastifyInstance } from "fastify";
import type { Reading } from "./readings.ts";

export const DEMO_KEY = "demo-key";

export interface WeatherApi {
  readonly app: FastifyInstance;
  /** Puts an answer in the queue; when it is empty, the answer is an empty list. */
  answer(readings: readonly Reading[]): void;
}

/** Not listening yet. */
export function createWeatherApi(): WeatherApi {
  const answers: (readonly Reading[])[] = [];
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.get("/sensor/temperatures", async (request, reply) => {
    if (request.headers["x-api-key"] !== DEMO_KEY) return reply.code(401).send({ error: "unauthorized" });
    return answers.shift() ?? [];
  });
  return { app, answer: (readings) => void answers.push(readings) };
}
