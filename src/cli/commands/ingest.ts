import type { AddCommand } from "../shell.ts";
export const addIngestCommand: AddCommand = () => {};
