import type { UserErrorDetails } from "../../model/errors.ts";
import type { Duty } from "../../model/roles.ts";
import type { LockRoom } from "../../postgres/lock-room.ts";
import type { Way } from "../../postgres/way.ts";
import type { EnvironmentSummary } from "../../release/environments.ts";
import type { ConnectionFlags, EnvironmentFlags } from "../options.ts";

export interface DoctorFlags extends EnvironmentFlags, ConnectionFlags {
  readonly concurrency?: number;
  readonly json?: boolean;
}

/** What `dataform doctor` found, before it is judged. */
export interface Facts {
  readonly program: ProgramFacts;
  readonly project: ProjectFacts;
  readonly database: DatabaseFacts;
  /** Absent where the embedded server does not run, or the database cannot be reached. */
  readonly server?: ServerFacts;
}

export interface ProgramFacts {
  readonly version: string;
  readonly core?: string;
  readonly node: string;
  /** As package.json says it. */
  readonly nodeNeeded: string;
}

export interface ProjectFacts {
  readonly folder: string;
  /** The project file; absent where there is none. */
  readonly file?: string;
  readonly name?: string;
  /** Absent where nothing could be compiled. */
  readonly actions?: number;
  readonly models: number;
  readonly tests: number;
  /** What its models write to. */
  readonly schemas: readonly string[];
  readonly mistakes: readonly UserErrorDetails[];
  readonly notes: number;
  /** What its code asks for that may be otherwise the next time, so that it is compiled anew for each command. */
  readonly unsteady?: string;
}

export interface DatabaseFacts {
  /** Its URL and which place named it; absent where no place says it so that it can be used. */
  readonly where?: string;
  readonly host: string;
  /** What TLS asks of the server: who signed its certificate, or also for which host. */
  readonly verifies: "nothing" | "signer" | "host";
  /** Why there is no connection. */
  readonly failure?: UserErrorDetails;
  readonly embedded?: EmbeddedFacts;
}

/** Of the server that comes along, where no place names another. */
export interface EmbeddedFacts {
  readonly state: "running" | "stopped" | "absent";
  readonly version?: string;
  readonly dataDir: string;
  readonly crashed: boolean;
  /** Why it would not start. */
  readonly trouble?: UserErrorDetails;
  readonly freeBytes: number;
}

export interface ServerFacts {
  readonly way: Way;
  /** Where a pooler of transactions is between: what other commands say of it. */
  readonly noSession?: UserErrorDetails;
  /** Milliseconds, of the login and of one question. */
  readonly login: number;
  readonly roundTrip: number;
  readonly version: string;
  /** As `server_version_num`. */
  readonly versionNumber: number;
  readonly encoding: string;
  readonly user: string;
  readonly isSuperuser: boolean;
  readonly isStandby: boolean;
  readonly settings: Readonly<Record<string, string>>;
  /** Connections that this login can still get, and which limit says so. */
  readonly connectionsLeft: number;
  readonly connectionsLimit: string;
  readonly concurrency: number;
  readonly locks: LockRoom;
  readonly timeZone: string;
  readonly ownTimeZone: string;
  /** Milliseconds that the server's clock is ahead of ours, at least. */
  readonly clockAhead: number;
  readonly databaseBytes: number;
  readonly rights: readonly RightsFacts[];
  readonly roles: readonly RoleFacts[];
  readonly record: RecordFacts;
}

/** What one who writes may do: the login, or a role that it acts as. */
export interface RightsFacts {
  readonly user: string;
  readonly roles?: string;
  readonly mayMakeSchemas: boolean;
  /** Schemas of the project, and ours. */
  readonly schemas: readonly { readonly name: string; readonly isThere: boolean; readonly mayCreate: boolean }[];
}

/** Whether a login can act as the role of a duty. */
export interface RoleFacts {
  readonly duty: Duty;
  readonly role: string;
  readonly user: string;
  readonly failure?: UserErrorDetails;
}

export interface RecordFacts {
  readonly environment: string;
  /** 0 where there is none. */
  readonly layout: number;
  readonly newestLayout: number;
  readonly summary?: EnvironmentSummary;
  /** Why a run would not begin. */
  readonly failure?: UserErrorDetails;
}
