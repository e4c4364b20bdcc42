// Sends events over plain sockets, in a process of its own, so that what it takes of the machine is told. At a rate, requests are sent
// whether those before are answered or not; without one, each connection sends the next once it has its answer. bench/events.ts starts it.
import { connect } from "node:net";

const { port, seconds, perRequest, rate, connections, name } = JSON.parse(process.argv[2]);
let number = 0;

function body() {
  const now = new Date().toISOString();
  const events = [];
  for (let n = number; n < number + perRequest; n++)
    events.push(
      `{"id":"${name}-${n}-5d1f0c1e2b","type":"viewed","time":"${now}","sent_at":"${now}","data":{"visitor_id":"visitor-${n % 5_000}","url":"/products/${n % 300}?from=search","ms":${n % 900}}}`,
    );
  number += perRequest;
  return `[${events.join()}]`;
}

const times = [];

/** One that takes a request at a time. */
function opened() {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }).setEncoding("latin1");
  let answer = "";
  let sent = 0;
  let done = () => {};
  socket.on("data", (part) => {
    answer += part;
    const head = answer.indexOf("\r\n\r\n");
    if (head < 0 || answer.length < head + 4 + Number(/content-length: (\d+)/i.exec(answer)[1])) return;
    if (!answer.startsWith("HTTP/1.1 200")) throw new Error(answer);
    answer = "";
    times.push(performance.now() - sent);
    done();
  });
  return (then) => {
    const text = body();
    done = then;
    sent = performance.now();
    socket.write(
      `POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
    );
  };
}

const begun = performance.now();
const passed = () => (performance.now() - begun) / 1000;

async function atRate() {
  const free = [];
  let [sent, answered] = [0, 0];
  while (passed() < seconds || answered < sent) {
    while (passed() < seconds && sent < (passed() * rate) / perRequest) {
      sent++;
      const send = free.pop() ?? opened();
      send(() => {
        answered++;
        free.push(send);
      });
    }
    await new Promise((go) => setTimeout(go, 1));
  }
}

function flatOut() {
  const one = async () => {
    const send = opened();
    while (passed() < seconds) await new Promise((done) => send(done));
  };
  return Promise.all(Array.from({ length: connections }, one));
}

await (rate ? atRate() : flatOut());
const { user, system } = process.cpuUsage();
const took = { seconds: passed(), processor: (user + system) / 1_000 };
times.sort((a, b) => a - b);
const [p50, p99] = [0.5, 0.99].map((part) => times[Math.floor((times.length - 1) * part)]);
console.log(JSON.stringify({ events: number, ...took, p50, p99 }));
process.exit();
