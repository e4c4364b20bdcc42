import fastify, { type FastifyReply } from "fastify";

export interface BlogTotals {
  readonly blogId: number;
  readonly views: number;
  readonly clicks: number;
}

export interface BlogServiceOptions {
  /** The day that an answer is of; called per request. */
  readonly day: () => string;
  /** What each blog has had till the end of a day. */
  readonly totals: (day: string) => readonly BlogTotals[];
}

export interface BlogService {
  /** Begins to listen on 127.0.0.1, on a free port unless one is given, and says where. */
  listen(port?: number): Promise<string>;
  close(): Promise<void>;
}

const SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
const ACTION = "urn:blog/GetBlogStatistics";

/** Plays the blogs' SOAP service: one operation, which answers with the running totals of all blogs. */
export async function createBlogService({ day, totals }: BlogServiceOptions): Promise<BlogService> {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.addContentTypeParser(/^text\/xml/, { parseAs: "string" }, (_, body, done) => done(null, body));
  app.post("/BlogStatistics", (request, reply) => {
    const action = String(request.headers.soapaction ?? "").replaceAll('"', "");
    if (action !== ACTION || !String(request.body).includes("GetBlogStatistics"))
      return answer(reply, 500, fault(`no operation ${JSON.stringify(action)}, expected ${ACTION}`));
    const today = day();
    return answer(reply, 200, statistics(today, totals(today)));
  });
  return {
    listen: (port = 0) => app.listen({ port, host: "127.0.0.1" }),
    close: () => app.close(),
  };
}

function answer(reply: FastifyReply, status: number, body: string) {
  const envelope = `<?xml version="1.0" encoding="utf-8"?>\n<soap:Envelope xmlns:soap="${SOAP}"><soap:Body>${body}</soap:Body></soap:Envelope>`;
  return reply.code(status).header("content-type", "text/xml; charset=utf-8").send(envelope);
}

function statistics(day: string, blogs: readonly BlogTotals[]): string {
  const records = blogs.map(
    ({ blogId, views, clicks }) =>
      `<Blog><Blogid>${blogId}</Blogid><views>${views}</views><cliks>${clicks}</cliks></Blog>`,
  );
  return `<GetBlogStatisticsResponse xmlns="urn:blog" TakenOn="${day}">${records.join("")}</GetBlogStatisticsResponse>`;
}

function fault(message: string): string {
  const text = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<soap:Fault><faultcode>soap:Client</faultcode><faultstring>${text}</faultstring></soap:Fault>`;
}
