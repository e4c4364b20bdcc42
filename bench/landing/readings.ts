import { blocksOf, type Content, oneOf, pick, timeOf } from "./content.ts";

/** A megabyte of CSV has about so many. */
export const READINGS_PER_MB = 19_400;

const regions = ["north", "south", "east", "west", "centre", "coast", "hills", "islands"];

/** Measurements of one minute's delivery; their times are anywhere in the year. */
export function csvReadings(rows: number, minute: number): Content {
  const lines = function* () {
    yield "sensor,region,at,value,quality\n";
    for (let row = minute * 100_000_000, end = row + rows; row < end; row++) {
      const value = `${pick(row, 1, 1000) - 200}.${String(pick(row, 2, 1000)).padStart(3, "0")}`;
      const quality = pick(row, 3, 10) === 0 ? "suspect" : "good";
      yield `${100_000 + pick(row, 4, 900_000)},${oneOf(row, 5, regions)},${timeOf(row, 6)},${value},${quality}\n`;
    }
  };
  return { blocks: blocksOf(lines()), rows, bad: 0 };
}
