/** ISO 4217: the currencies whose minor unit is not a hundredth, by the digits that it has. */
export const MINOR_UNITS: readonly (readonly [digits: number, codes: readonly string[]])[] = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ")],
  [3, "BHD IQD JOD KWD LYD OMR TND".split(" ")],
  [4, "CLF UYW".split(" ")],
];

/** The digits of a currency's minor unit: 2 where its code is not known. */
export function minorDigits(code: string | undefined): number {
  return MINOR_UNITS.find(([, codes]) => code !== undefined && codes.includes(code))?.[0] ?? 2;
}
