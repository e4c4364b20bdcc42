import type { Client } from "../postgres/client.ts";
import { keep, type Question, reasonOf, takeBack } from "./ask.ts";

/** How many are asked in one message at most: where one of them is refused, both halves are asked by themselves. */
const AT_ONCE = 100;

/**
 * An answer for each question. What was made for one stays for others, unless something of its own had to be there first.
 * @param ask sends some of them, and takes what it wants to know of the answers while all is there
 */
export async function inParts<Q extends Question, A>(
  client: Client,
  questions: readonly Q[],
  ask: (some: readonly Q[]) => Promise<readonly A[]>,
  refused: (question: Q, why: string) => A,
): Promise<A[]> {
  const found = new Map<Q, A>();
  const halved = async (some: readonly Q[]): Promise<void> => {
    try {
      const answers = await ask(some);
      for (const [index, one] of some.entries()) found.set(one, answers[index]!);
      if (isByItself(some[0]!)) await takeBack(client);
      else await keep(client);
    } catch (error) {
      await takeBack(client);
      if (some.length === 1) found.set(some[0]!, refused(some[0]!, reasonOf(error)));
      else {
        const middle = some.length >> 1;
        await halved(some.slice(0, middle));
        await halved(some.slice(middle));
      }
    }
  };
  const together = questions.filter((one) => !isByItself(one));
  for (let at = 0; at < together.length; at += AT_ONCE) await halved(together.slice(at, at + AT_ONCE));
  for (const one of questions.filter(isByItself)) await halved([one]);
  return questions.map((one) => found.get(one)!);
}

/** What was made before it, and set, is for no other. */
function isByItself({ before }: Question): boolean {
  return before !== undefined && before.length > 0;
}
