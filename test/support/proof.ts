/** Whether a proof is done whole, by `npm run proof` and its like, or in small among the other tests. */
export const isWhole = process.env.PROOF === "whole";

/** How much of it: PROOF_ROUNDS, else so much among the other tests, and so much where it is done whole. */
export const rounds = (inSmall: number, whole: number) =>
  Number(process.env.PROOF_ROUNDS ?? (isWhole ? whole : inSmall));

/** What its choices begin with: PROOF_SEED repeats them. */
export const seed = Number(process.env.PROOF_SEED ?? (isWhole ? Date.now() % 1_000_000_000 : 1));
