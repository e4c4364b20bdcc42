import { createSchemaOnce } from "../sql/ddl.ts";
import { dollarQuoted } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { join, type Sql, sql } from "../sql/sql.ts";

/** What there is from the beginning. */
const first = sql`
${createSchemaOnce(PRIVATE_SCHEMA)};
create table if not exists _dataform.metadata (version integer not null);
insert into _dataform.metadata select 1 where not exists (select from _dataform.metadata);
create table if not exists _dataform.environment (
  name text primary key,
  release_id bigint,
  next_release bigint not null default 1,
  fence bigint not null default 0
);
create table if not exists _dataform.release (
  environment text not null references _dataform.environment (name),
  release_id bigint not null,
  base_release_id bigint,
  content_of bigint,
  run_id uuid not null,
  status text not null check (status in ('waiting', 'published', 'discarded')),
  built_at timestamptz not null default clock_timestamp(),
  published_at timestamptz,
  collected_at timestamptz,
  manifest jsonb,
  items jsonb,
  primary key (environment, release_id)
);
create table if not exists _dataform.run (
  run_id uuid primary key,
  environment text not null references _dataform.environment (name),
  fence bigint not null,
  status text not null check (status in ('running', 'success', 'failure', 'cancelled', 'abandoned')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  releases bigint[],
  core_version text,
  warnings jsonb,
  errors jsonb
);
create table if not exists _dataform.step (
  run_id uuid not null references _dataform.run (run_id),
  schema_name text not null,
  name text not null,
  kind text not null,
  status text not null,
  seconds numeric not null,
  rows bigint,
  reason text,
  error jsonb,
  primary key (run_id, schema_name, name)
);
create table if not exists _dataform.failing_row (
  run_id uuid not null references _dataform.run (run_id),
  assertion_schema text not null,
  assertion_name text not null,
  row_no integer not null,
  content jsonb not null,
  primary key (run_id, assertion_schema, assertion_name, row_no)
);
comment on schema _dataform is 'Private: releases, run history and the objects behind the public views. Read the public views instead.';
comment on table _dataform.environment is 'The published release of each environment; the fence grows with each run and stops late ones.';
comment on table _dataform.release is 'Every release that can still be read or rolled back to, with the private objects it consists of.';
comment on table _dataform.run is 'Every run, its outcome and the releases it published.';
comment on table _dataform.step is 'What each run did to each model, operation and assertion.';
comment on table _dataform.failing_row is 'Up to 100 rows per assertion and run that should not exist.';
`;

/** Whose an environment is, what holds it, and what it was called: private names are made of that. */
const ownersAndHolds = sql`
alter table _dataform.environment
  add column if not exists project text,
  add column if not exists former_names text[] not null default '{}',
  add column if not exists made_schemas text[] not null default '{}',
  add column if not exists held_at timestamptz,
  add column if not exists held_by text,
  add column if not exists held_reason text;
-- It has no key, and a publication for all tables would let nobody update it.
alter table _dataform.metadata replica identity full;
comment on table _dataform.failing_row is 'Rows that should not exist, the first of each failed assertion of a run: as many as retention.failingRows says (100). How many there were stands in _dataform.step.rows.'`;

/** What retired models had taken the place of; the folder of a project that has no name. */
const asideAndFolder = sql`
alter table _dataform.environment
  add column if not exists set_aside jsonb not null default '[]',
  add column if not exists folder text`;

/** When each step began and what let it begin, what it stored, and what publishing waited for. */
const timeline = sql`
alter table _dataform.step
  add column if not exists start_seconds numeric,
  add column if not exists connection integer,
  add column if not exists after_schema text,
  add column if not exists after_name text,
  add column if not exists after_because text,
  add column if not exists is_critical boolean,
  add column if not exists bytes bigint;
create table if not exists _dataform.publishing (
  run_id uuid not null references _dataform.run (run_id),
  release_id bigint not null,
  outcome text not null check (outcome in ('published', 'waiting', 'failed')),
  start_seconds numeric,
  seconds numeric not null,
  horizon_seconds numeric not null,
  lock_seconds numeric not null,
  attempts integer not null,
  primary key (run_id, release_id)
);
comment on column _dataform.step.start_seconds is 'Seconds after the run began; NULL for a step that was not tried.';
comment on column _dataform.step.connection is 'Which of the connections of the run did it, from 1.';
comment on column _dataform.step.after_because is 'Why it began when the step named in after_schema and after_name had ended: it reads that (input), had its connection (connection), or is of a later stage of the run (stage).';
comment on column _dataform.step.is_critical is 'Whether the run would have been shorter had this step been.';
comment on column _dataform.step.bytes is 'Of the tables that it stored, with indexes, when the run ended.';
comment on table _dataform.publishing is 'What each run did to publish each of its releases, and what it waited for.'`;

/** Who may ask `dataform serve`, and what its cursors are sealed with: servers behind one address read each other's. */
const keys = sql`
alter table _dataform.metadata
  add column if not exists secret bytea not null default pg_catalog.sha256(
    pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
  );
create table if not exists _dataform.api_key (
  key_id text primary key,
  environment text not null,
  name text not null,
  hash bytea not null check (pg_catalog.length(hash) = 32),
  scopes text[] not null,
  rate_requests integer,
  rate_seconds integer,
  made_at timestamptz not null default clock_timestamp(),
  made_by text,
  expires_at timestamptz,
  revoked_at timestamptz
);
comment on column _dataform.metadata.secret is 'By which dataform serve seals where a page goes on.';
comment on table _dataform.api_key is 'Keys for what dataform serve answers: dataform keys. Of each the SHA-256, never the key itself.'`;

/** When which lines run, what came of each of their dues, and of each step of these. */
const schedules = sql`
create table if not exists _dataform.schedule (
  environment text not null,
  name text not null,
  version text not null,
  definition jsonb not null,
  next_due timestamptz,
  start_at timestamptz,
  decided_until timestamptz not null default clock_timestamp(),
  seen jsonb,
  paused_at timestamptz,
  paused_by text,
  registered_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz,
  primary key (environment, name)
);
create table if not exists _dataform.schedule_due (
  due_id bigint generated always as identity primary key,
  environment text not null,
  schedule text not null,
  version text not null,
  due timestamptz not null,
  last_due timestamptz not null,
  dues bigint not null default 1,
  cause text not null check (cause in ('clock', 'catch-up', 'load', 'file', 'hand')),
  caused_by jsonb,
  definition jsonb not null,
  status text not null check (status in ('queued', 'running', 'success', 'failure', 'cancelled', 'skipped')),
  reason text,
  claimed_by text,
  claimed_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (environment, schedule, version, due)
);
create index if not exists schedule_due_open on _dataform.schedule_due (environment, schedule, due) where status in ('queued', 'running');
create index if not exists schedule_due_newest on _dataform.schedule_due (environment, due desc);
create table if not exists _dataform.schedule_step (
  due_id bigint not null references _dataform.schedule_due (due_id),
  step_no integer not null,
  attempt integer not null,
  command text not null,
  arguments text[] not null,
  status text not null check (status in ('starting', 'running', 'success', 'failure', 'timeout', 'lost', 'cancelled')),
  made_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  host text,
  process_id integer,
  exit_code integer,
  signal text,
  run_ids uuid[],
  load_ids bigint[],
  errors jsonb,
  output text,
  primary key (due_id, step_no, attempt)
);
comment on table _dataform.schedule is 'The lines of schedules.yaml as they were declared last, when each is due next, and until when its dues are decided.';
comment on column _dataform.schedule.version is 'Of the line: another one where its time, zone or trigger is another.';
comment on column _dataform.schedule.start_at is 'When next_due begins: that, and its jitter.';
comment on column _dataform.schedule.decided_until is 'Nothing due until then is ever decided again, whatever the clock says.';
comment on column _dataform.schedule.seen is 'Loads or files that were there when they were looked at last.';
comment on table _dataform.schedule_due is 'Each due of each line: what came of it, or why it was skipped. A row that was skipped has all dues of that reason from due to last_due.';
comment on column _dataform.schedule_due.definition is 'What it runs: the line as it was when it was due.';
comment on table _dataform.schedule_step is 'Each attempt of each step of a due: a command of dataform.';
comment on column _dataform.schedule_step.output is 'The end of what it said to people.'`;

/** What somebody is to be told of, to whom, and how far each of those who follow the record has come. */
const incidents = sql`
create table if not exists _dataform.incident (
  incident_id bigint generated always as identity primary key,
  environment text not null,
  key text not null,
  kind text not null,
  subject text not null,
  content jsonb not null,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz
);
create unique index if not exists incident_open on _dataform.incident (environment, key) where closed_at is null;
create table if not exists _dataform.delivery (
  incident_id bigint not null references _dataform.incident (incident_id),
  channel text not null,
  event text not null check (event in ('opened', 'closed')),
  environment text not null,
  status text not null check (status in ('waiting', 'sent', 'failed')),
  made_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  message_id uuid,
  error text,
  primary key (incident_id, channel, event)
);
create index if not exists delivery_waiting on _dataform.delivery (environment, channel) where status = 'waiting';
create table if not exists _dataform.follower (
  environment text not null,
  name text not null,
  seen_until timestamptz,
  claimed_until timestamptz,
  next_at timestamptz,
  attempts integer not null default 0,
  error text,
  primary key (environment, name)
);
comment on table _dataform.incident is 'What is wrong, from when until when: dataform notify. Of one key one is open at most.';
comment on table _dataform.delivery is 'Whom is told of the beginning and the end of each incident, once.';
comment on column _dataform.delivery.message_id is 'The message that it was told in, or is tried in: sent again under the same one.';
comment on table _dataform.follower is 'Those who follow the record: channels of notifications, what looks for incidents, OpenLineage. How far each has come, who is at it, and when it is tried again.'`;

/** Runs are followed by their fences, dues of a line by their numbers: a clock may be put back. */
const byFence = sql`
create index if not exists schedule_due_of_line on _dataform.schedule_due (environment, schedule, due_id);
alter table _dataform.follower add column if not exists seen_fence bigint;
do ${dollarQuoted(sql`
  begin
    if exists (
      select from pg_catalog.pg_attribute
      where attrelid = '_dataform.follower'::pg_catalog.regclass and attname = 'seen_until' and not attisdropped
    ) then
      update _dataform.follower as f
      set seen_fence = coalesce(
        (
          select max(r.fence) from _dataform.run as r
          where r.environment = f.environment and r.status <> 'running' and r.finished_at <= f.seen_until
        ),
        0
      )
      where f.seen_until is not null;
      alter table _dataform.follower drop column seen_until;
    end if;
  end`)};
comment on column _dataform.follower.seen_fence is 'Of what follows runs: the fence of the last ended one that it knows.'`;

/** Of what actions were built. */
const state = sql`
create table if not exists _dataform.state (
  environment text not null,
  schema_name text not null,
  name text not null,
  content jsonb not null,
  primary key (environment, schema_name, name)
);
comment on table _dataform.state is 'Of what each action was built, or an assertion passed on, when it went well last: dataform run --changed builds what is not so any more.'`;

/** What makes each layout of the one before it, and of one of which somebody dropped a table. A published one never changes. */
export const LAYOUTS: readonly Sql[] = [
  first,
  ownersAndHolds,
  asideAndFolder,
  timeline,
  keys,
  join([schedules, incidents], ";\n"),
  byFence,
  state,
];
