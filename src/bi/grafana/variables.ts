/** The variable of a filter: in addresses `var-campaign_name`. Grafana knows letters, digits and `_`. */
export function variableOf(column: string): string {
  const name = column.replace(/[^a-zA-Z0-9_]/g, (character) => `_${character.codePointAt(0)!.toString(16)}`);
  // What begins with __ is Grafana's own.
  return /^_/.test(name) ? `column${name}` : name;
}
