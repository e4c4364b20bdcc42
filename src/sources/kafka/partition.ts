/** A partition, by its topic and number. */
export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** "orders[3]", for messages. */
export function placeOf({ topic, partition }: Partition): string {
  return `${topic}[${partition}]`;
}
