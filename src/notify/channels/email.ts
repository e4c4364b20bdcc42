import { createTransport } from "nodemailer";
import type { ChannelSettings, Message } from "../../model/notifying.ts";
import { plainText, subjectOf } from "../message.ts";
import { NotTold, PATIENCE } from "./told.ts";

/** Sends a mail. Under the same id it is the same mail to whoever gets it twice. @throws NotTold */
export async function mail(settings: NonNullable<ChannelSettings["email"]>, message: Message): Promise<void> {
  const { host, port, tls, user, password, from, to } = settings;
  const transport = createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "required",
    ignoreTLS: tls === "none",
    ...(user !== undefined && password ? { auth: { user, pass: password.reveal() } } : {}),
    // Its own limits are two minutes, half a minute and ten minutes.
    connectionTimeout: PATIENCE,
    greetingTimeout: PATIENCE,
    socketTimeout: PATIENCE,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: subjectOf(message),
      text: `${plainText(message)}\n`,
      messageId: `<${message.id}@dataform-postgres>`,
    });
  } catch (error) {
    const { code, responseCode } = error as { code?: string; responseCode?: number };
    throw new NotTold(
      `${host}:${port} did not take the mail (${[code, responseCode].filter(Boolean).join(" ") || "no answer"})`,
    );
  } finally {
    transport.close();
  }
}
