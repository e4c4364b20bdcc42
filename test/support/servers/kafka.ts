import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { freePort } from "../../../src/postgres/embedded/port.ts";
import { pause } from "../../../src/wait/pause.ts";
import { until } from "../../../src/wait/until.ts";
import { makeAuthority, makeCertificate } from "../certificates.ts";

/** Where `mvn -f test/servers/kafka.xml dependency:copy-dependencies` puts the broker, and npm the client. */
const SERVERS = resolve(import.meta.dirname, "../../servers");
export const JARS = process.env.TEST_KAFKA_JARS ?? join(SERVERS, "target/dependency");

const missing = [
  spawnSync("java", ["-version"]).status === 0 ? [] : ["java"],
  existsSync(JARS) && readdirSync(JARS).some((name) => name.startsWith("kafka_"))
    ? []
    : ["the jars of test/servers/kafka.xml"],
  existsSync(join(SERVERS, "node_modules/@platformatic/kafka")) ? [] : ["npm ci --prefix test/servers"],
].flat();

/** Why there is no Kafka for the tests; undefined where there is one. */
export const noKafka = missing.length ? `needs ${missing.join(", ")}` : undefined;

/** The project that the client is installed in. */
export const withDriver = SERVERS;

export const USER = "alice";
export const PASSWORD = "p@ss,w:rd";

/** What is sent: a text or bytes, a tombstone where it is null. */
interface Sent {
  readonly value: string | Buffer | null;
  readonly key?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly partition?: number;
  readonly timestamp?: bigint;
}

export interface TestKafka {
  /** Anybody may ask here. */
  readonly brokers: string;
  /** Whoever has a password or a token. */
  readonly withLogin: string;
  /** By TLS; of a client that has a certificate. */
  readonly withTls: string;
  readonly ca: string;
  readonly client: { readonly certificate: string; readonly key: string };
  topic(name: string, partitions?: number, config?: Readonly<Record<string, string>>): Promise<string>;
  deleteTopic(name: string): Promise<void>;
  send(topic: string, records: readonly Sent[], compression?: string): Promise<void>;
  /** The same in a transaction that is aborted, or committed. */
  transact(
    topic: string,
    records: readonly Sent[],
    end: "commit" | "abort" | "leave open",
  ): Promise<() => Promise<void>>;
  /** Gives a topic so many partitions. */
  grow(topic: string, partitions: number): Promise<void>;
  /** Makes the user known by both kinds of SCRAM; by PLAIN they are. */
  addUser(): Promise<void>;
  /** Forgets what stands before an offset of partition 0. */
  cut(topic: string, before: number): Promise<void>;
  /** A client of the driver's own, which is closed with the broker. */
  // biome-ignore lint/suspicious/noExplicitAny: the driver as it is
  readonly driver: any;
  /** Ends it from one moment to the next. */
  kill(): Promise<void>;
  /** Starts it again, with what it has. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** One node of its own, in a temporary folder, that listens without and with login and TLS. */
export async function startKafka(): Promise<TestKafka> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-kafka-"));
  const [plain, login, tls, controller] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const authority = makeAuthority("kafka authority");
  const server = makeCertificate(authority, "localhost", ["localhost"]);
  const client = makeCertificate(authority, "a client");
  const pem = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const jaas = (mechanism: string, module: string, options = "") =>
    `listener.name.login.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${module} required ${options};`;
  const settings = [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=PLAIN://127.0.0.1:${plain},LOGIN://127.0.0.1:${login},TLS://localhost:${tls},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=PLAIN://127.0.0.1:${plain},LOGIN://127.0.0.1:${login},TLS://localhost:${tls}`,
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL",
    "controller.listener.names=CONTROLLER",
    "inter.broker.listener.name=PLAIN",
    `log.dirs=${join(folder, "data")}`,
    "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
    jaas("plain", "plain.PlainLoginModule", `user_${USER}="${PASSWORD}"`),
    jaas("scram-sha-256", "scram.ScramLoginModule"),
    jaas("scram-sha-512", "scram.ScramLoginModule"),
    jaas("oauthbearer", "oauthbearer.OAuthBearerLoginModule", 'unsecuredLoginStringClaim_sub="broker"'),
    "listener.name.tls.ssl.client.auth=required",
    "listener.name.tls.ssl.keystore.type=PEM",
    `listener.name.tls.ssl.keystore.location=${pem("server.pem", `${server.key}${server.certificate}`)}`,
    "listener.name.tls.ssl.truststore.type=PEM",
    `listener.name.tls.ssl.truststore.location=${pem("ca.pem", authority.certificate)}`,
    ...["offsets", "transaction.state.log", "share.coordinator.state"].flatMap((one) => [
      `${one}${one === "transaction.state.log" ? "" : ".topic"}.replication.factor=1`,
      ...(one === "offsets"
        ? ["offsets.topic.num.partitions=1"]
        : [`${one}${one.endsWith("log") ? "" : ".topic"}.min.isr=1`]),
    ]),
    "transaction.state.log.num.partitions=1",
    "group.initial.rebalance.delay.ms=0",
    "group.consumer.heartbeat.interval.ms=500",
    "group.consumer.min.heartbeat.interval.ms=500",
    "group.consumer.session.timeout.ms=6000",
    "group.consumer.min.session.timeout.ms=6000",
    "group.min.session.timeout.ms=1000",
    "auto.create.topics.enable=false",
    "log.cleaner.backoff.ms=200",
    "log.cleaner.dedupe.buffer.size=2097152",
    "delete.topic.enable=true",
  ];
  writeFileSync(join(folder, "server.properties"), settings.join("\n"));
  // What `StorageTool format` writes, without a JVM of its own for it.
  mkdirSync(join(folder, "data"));
  writeFileSync(
    join(folder, "data/meta.properties"),
    "version=1\ncluster.id=dGVzdC10ZXN0LXRlc3QtdA\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAABAg\n",
  );
  let program = startBroker(folder);
  const brokers = `127.0.0.1:${plain}`;
  const kill = async () => {
    program.kill("SIGKILL");
    if (program.exitCode === null && program.signalCode === null) await once(program, "exit");
  };
  await accepting(program, plain);
  const { driver, clients } = await clientsOf(brokers);
  return {
    ...{
      brokers,
      withLogin: `127.0.0.1:${login}`,
      withTls: `localhost:${tls}`,
      ca: authority.certificate,
      client,
      driver,
    },
    ...clients,
    kill,
    async start() {
      program = startBroker(folder);
      await accepting(program, plain);
    },
    async stop() {
      await clients.close();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A broker of several, which can be killed and started again with what it has. */
interface TestBroker {
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface TestCluster extends Pick<TestKafka, "brokers" | "topic" | "driver"> {
  readonly nodes: readonly TestBroker[];
  stop(): Promise<void>;
}

/** Three nodes, each with a copy of everything: two of them go on without the third. */
export async function startCluster(): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-kafkas-"));
  const ids = [1, 2, 3];
  const ports = await Promise.all(ids.map(async () => [await freePort(), await freePort()] as const));
  const voters = ids.map((id, at) => `${id}@127.0.0.1:${ports[at]![1]}`).join(",");
  const programs = new Map<number, ChildProcess>();
  const nodes = ids.map((id, at): TestBroker => {
    const [plain, controller] = ports[at]!;
    const own = join(folder, String(id));
    const settings = [
      "process.roles=broker,controller",
      `node.id=${id}`,
      `controller.quorum.voters=${voters}`,
      `listeners=PLAIN://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}`,
      `advertised.listeners=PLAIN://127.0.0.1:${plain}`,
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT",
      "controller.listener.names=CONTROLLER",
      "inter.broker.listener.name=PLAIN",
      `log.dirs=${join(own, "data")}`,
      "offsets.topic.num.partitions=3",
      "min.insync.replicas=2",
      "group.initial.rebalance.delay.ms=0",
      "group.consumer.heartbeat.interval.ms=1000",
      "group.consumer.min.heartbeat.interval.ms=1000",
      "group.consumer.session.timeout.ms=6000",
      "group.consumer.min.session.timeout.ms=6000",
      "auto.create.topics.enable=false",
      "broker.session.timeout.ms=6000",
      "log.cleaner.dedupe.buffer.size=2097152",
    ];
    mkdirSync(join(own, "data"), { recursive: true });
    writeFileSync(join(own, "server.properties"), settings.join("\n"));
    writeFileSync(
      join(own, "data/meta.properties"),
      `version=1\ncluster.id=dGVzdC10ZXN0LXRlc3QtdA\nnode.id=${id}\ndirectory.id=AAAAAAAAAAAAAAAAAAABA${"Qgw"[at]}\n`,
    );
    return {
      async kill() {
        const program = programs.get(id)!;
        program.kill("SIGKILL");
        if (program.exitCode === null && program.signalCode === null) await once(program, "exit");
      },
      async start() {
        programs.set(id, startBroker(own));
        await accepting(programs.get(id)!, plain);
      },
    };
  });
  await Promise.all(nodes.map((node) => node.start()));
  const brokers = ports.map(([plain]) => `127.0.0.1:${plain}`).join(",");
  const { driver, clients } = await clientsOf(brokers, 3);
  return {
    ...{ brokers, nodes, driver, topic: clients.topic },
    async stop() {
      await clients.close();
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A JVM that begins at once and takes little. */
function startBroker(folder: string): ChildProcess {
  const jvm = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];
  const log = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
  const program = spawn(
    "java",
    [...jvm, ...log, "-cp", join(JARS, "*"), "kafka.Kafka", join(folder, "server.properties")],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  // A test that ends before it has stopped the broker leaves none behind.
  const end = () => void program.kill("SIGKILL");
  process.once("exit", end);
  program.once("exit", () => process.off("exit", end));
  said.set(program, "");
  program.stderr!.on("data", (text) => said.set(program, (said.get(program) + String(text)).slice(-4_000)));
  return program;
}

const said = new WeakMap<ChildProcess, string>();

async function accepting(program: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (program.exitCode !== null) throw new Error(`the broker ended: ${said.get(program)}`);
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await pause(50);
  }
}

/** A package of test/servers. */
// biome-ignore lint/suspicious/noExplicitAny: whichever it is
export async function importServed(name: string): Promise<any> {
  return import(pathToFileURL(createRequire(join(SERVERS, "package.json")).resolve(name)).href);
}

// biome-ignore lint/suspicious/noExplicitAny: the driver as it is
async function importDriver(): Promise<any> {
  return importServed("@platformatic/kafka");
}

/** Those who make topics, and send. */
async function clientsOf(brokers: string, replicas = 1) {
  const driver = await importDriver();
  const how = { clientId: "test", bootstrapBrokers: brokers.split(","), retries: 20, retryDelay: 100 };
  const admin = new driver.Admin(how);
  const open: { close(): Promise<void> }[] = [admin];
  await newestFeatures(driver, admin);
  const producerOf = (options: object) => {
    const made = new driver.Producer({ ...how, ...options });
    open.push(made);
    return made;
  };
  const producer = producerOf({});
  const messages = (topic: string, records: readonly Sent[]) =>
    records.map(({ key, value, headers, partition, timestamp }) => ({
      topic,
      key: typeof key === "string" ? Buffer.from(key) : key,
      value: typeof value === "string" ? Buffer.from(value) : (value ?? undefined),
      headers: new Map(Object.entries(headers ?? {}).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
      ...(partition === undefined && key !== undefined ? {} : { partition: partition ?? 0 }),
      ...(timestamp === undefined ? {} : { timestamp }),
    }));
  /** Whoever leads a partition knows it a moment after it is told to others. */
  const led = async (name: string, partitions: number) => {
    const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    const look = () => {
      // It looks again itself after five seconds.
      admin.clearMetadata();
      return admin.listOffsets({ topics: [{ name, partitions: asked }] }).catch(() => undefined);
    };
    await until({ look, every: 50, deadline: 30_000, describe: () => `${name} has no leader` });
  };
  const clients = {
    async topic(name: string, partitions = 1, config: Readonly<Record<string, string>> = {}) {
      const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
      await admin.createTopics({ topics: [name], partitions, replicas, configs });
      await led(name, partitions);
      return name;
    },
    async deleteTopic(name: string) {
      await admin.deleteTopics({ topics: [name] });
    },
    async send(topic: string, records: readonly Sent[], compression = "none") {
      await producer.send({ messages: messages(topic, records), acks: -1, compression });
    },
    async transact(topic: string, records: readonly Sent[], end: "commit" | "abort" | "leave open") {
      const own = producerOf({ idempotent: true, transactionalId: `t-${Math.random()}` });
      const transaction = await own.beginTransaction();
      await transaction.send({ messages: messages(topic, records) });
      if (end === "commit") await transaction.commit();
      else if (end === "abort") await transaction.abort();
      return () => transaction.commit() as Promise<void>;
    },
    async grow(name: string, partitions: number) {
      await admin.createPartitions({ topics: [{ name, count: partitions, assignments: null }] });
      await led(name, partitions);
    },
    async addUser() {
      const [connection] = (await admin.connectToBrokers()).values();
      const salted = (mechanism: number, hash: string) => {
        const salt = randomBytes(16);
        const saltedPassword = pbkdf2Sync(PASSWORD, salt, 4096, hash === "sha256" ? 32 : 64, hash);
        return { name: USER, mechanism, iterations: 4096, salt, saltedPassword };
      };
      for (const user of [salted(1, "sha256"), salted(2, "sha512")])
        await driver.alterUserScramCredentialsV0.api.async(connection, [], [user]);
    },
    async cut(topic: string, before: number) {
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: BigInt(before) }] }] });
    },
    async close() {
      for (const one of open) await one.close().catch(() => {});
    },
  };
  return { driver, clients };
}

/** A broker that nobody has formatted takes groups of the new protocol once it is told. */
// biome-ignore lint/suspicious/noExplicitAny: the driver as it is
async function newestFeatures(driver: any, admin: any): Promise<void> {
  const wanted = [
    { feature: "group.version", maxVersionLevel: 1, upgradeType: 1 },
    { feature: "transaction.version", maxVersionLevel: 2, upgradeType: 1 },
  ];
  const done = await until({
    look: async () => {
      const [connection] = (await admin.connectToBrokers()).values();
      return driver.updateFeaturesV1.api.async(connection, 10_000, wanted, false).catch(() => undefined);
    },
    every: 100,
    deadline: 60_000,
    describe: () => "the broker takes no groups of the new protocol",
  });
  if (!done) throw new Error("the broker takes no groups of the new protocol");
}
