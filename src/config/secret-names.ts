const SECRET = /(?:^|_)(?:PG)?(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|(?:API|ACCESS|PRIVATE)_KEY)$/i;
/** They may have a password in them. */
const CONNECTIONS = ["DATABASE_URL", "DATAFORM_PUBLISHER_URL", "DATAFORM_READER_URL"];

/** Whether a variable of the environment is called as what nobody may read. */
export function isCalledSecret(variable: string): boolean {
  return SECRET.test(variable) || CONNECTIONS.includes(variable);
}

/** Where everybody reads what a variable of the project says. */
export const READ_BY_ALL = "what everybody may read: vars stand in SQL, in plans, in the compiled graph and in views";
