import { between, randomFor } from "../demo-api/random.ts";

const around: Readonly<Record<string, number>> = { USD: 1.1, GBP: 0.86, JPY: 163 };

/** Reference rates against the euro as the ECB's data portal writes them, of working days only. */
export function ratesCsv(firstDay: string, lastDay: string, seed = 1): string {
  const lines = ["KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE"];
  for (let time = Date.parse(firstDay); time <= Date.parse(lastDay); time += 86_400_000) {
    const date = new Date(time);
    if (date.getUTCDay() % 6 === 0) continue;
    const day = date.toISOString().slice(0, 10);
    for (const [currency, rate] of Object.entries(around)) {
      const value = (rate * between(randomFor(seed, `${currency}/${day}`), 0.98, 1.02)).toFixed(4);
      lines.push(`EXR.D.${currency}.EUR.SP00.A,D,${currency},EUR,SP00,A,${day},${value}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
