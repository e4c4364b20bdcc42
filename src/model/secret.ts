/** A value that came from an environment variable and is never shown. */
export class Secret {
  readonly variable: string;
  readonly #value: string;

  constructor(variable: string, value: string) {
    this.variable = variable;
    this.#value = value;
  }

  /** The value itself, for the request and for nothing else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `\${${this.variable}}`;
  }

  toJSON(): string {
    return this.toString();
  }
}
