import type { Client } from "../postgres/client.ts";
import { ALREADY_THERE, sqlState } from "../postgres/sqlstate.ts";
import { keep, type Question, reasonOf, takeBack } from "./ask.ts";
import { NoTree } from "./tree/read-tree.ts";

/** How many are asked in one message at most: where one of them is refused, both halves are asked by themselves. */
const AT_ONCE = 100;

/**
 * An answer for each question.
 * @param ask sends some of them, and takes what it wants to know of the answers while all is there
 * @param stays whether what was made for one stays for others, where nothing of its own had to be there first
 * @throws what is no fault of a question: a lost connection, a server without room
 */
export async function inParts<Q extends Question, A>(
  client: Client,
  questions: readonly Q[],
  ask: (some: readonly Q[]) => Promise<readonly A[]>,
  refused: (question: Q, why: string) => A,
  stays = false,
): Promise<A[]> {
  const found = new Map<Q, A>();
  const halved = async (some: readonly Q[]): Promise<void> => {
    try {
      const answers = await ask(some);
      for (const [index, one] of some.entries()) found.set(one, answers[index]!);
      if (stays && !isByItself(some[0]!)) await keep(client);
      else await takeBack(client);
    } catch (error) {
      if (!isOfQuestion(error)) throw error;
      await takeBack(client);
      if (some.length === 1) found.set(some[0]!, await last(some[0]!, error));
      else {
        const middle = some.length >> 1;
        await halved(some.slice(0, middle));
        await halved(some.slice(middle));
      }
    }
  };
  /** What had to be there first may be there already, as a run made it. */
  const last = async (one: Q, error: unknown): Promise<A> => {
    const why = reasonOf(error);
    if (!isByItself(one)) return refused(one, why);
    try {
      return (await ask([{ ...one, before: [] }]))[0]!;
    } catch (again) {
      if (!isOfQuestion(again)) throw again;
      return refused(one, ALREADY_THERE.has(sqlState(error) ?? "") ? reasonOf(again) : why);
    } finally {
      await takeBack(client);
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

/** Names, types, features, values, limits of a statement, and what procedures raise. */
function isOfQuestion(error: unknown): boolean {
  return (
    error instanceof NoTree ||
    error instanceof RangeError ||
    /^(?:42|0A|22|21|2B|3F|26|34|54|P0|38|39|XX)/.test(sqlState(error) ?? "")
  );
}
