import { Socket } from "node:net";
import { createTransport } from "nodemailer";
import { milliseconds } from "../../model/duration.ts";
import type { ChannelSettings, Message } from "../../model/notifying.ts";
import { after } from "../../wait/timers.ts";
import { plainText, subjectOf } from "../message.ts";
import { NotTold } from "./told.ts";

/** Sends a mail. Under the same id it is the same mail to whoever gets it twice. @throws NotTold */
export async function mail(settings: NonNullable<ChannelSettings["email"]>, message: Message): Promise<void> {
  const { host, port, tls, user, password, from, to, timeout } = settings;
  const patience = milliseconds(timeout)!;
  const socket = new Socket();
  const transport = createTransport({
    socket,
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "required",
    ignoreTLS: tls === "none",
    ...(user !== undefined && password ? { auth: { user, pass: password.reveal() } } : {}),
    // Its own limits are two minutes, half a minute and ten minutes.
    connectionTimeout: patience,
    greetingTimeout: patience,
    socketTimeout: patience,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  let isLate = false;
  // Those limits are of silence: a server that says a word now and then keeps them all.
  const stop = after(patience, () => {
    isLate = true;
    socket.destroy();
  });
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: subjectOf(message),
      text: `${plainText(message)}\n`,
      // No answering machine answers it.
      headers: { "Auto-Submitted": "auto-generated" },
      messageId: `<${message.id}@dataform-postgres>`,
    });
  } catch (error) {
    const { code, responseCode } = error as { code?: string; responseCode?: number };
    if (isLate) throw new NotTold(`${host}:${port} did not take the mail within ${timeout}`);
    throw new NotTold(
      `${host}:${port} did not take the mail (${[code, responseCode].filter(Boolean).join(" ") || "no answer"})`,
    );
  } finally {
    stop();
    transport.close();
  }
}
