/** Does something once what has arrived by now is read. */
export function afterTurn(work: () => void): void {
  setImmediate(work);
}
