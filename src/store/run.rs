//! Runs of the reconciler: their start, what they learn of Zoho, their end, and the epoch that fences off
//! a stale one.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{
    Bound, ModuleSeen, RequestParked, RequestPinned, RequestUnparked, RunEnded,
};
use crate::domain::event::{RunStarted, UserSeen};
use crate::domain::id::{EventSeq, ModuleName, RecordId, RequestId, RunId};
use crate::domain::target::{Product, Target};
use crate::planted::Mistake;
use crate::store::code::{Sql, count};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::recording::check_target;
use crate::store::{Reader, Store, WriteTx, pausing};

/// A run that is about to start.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// `sync` or `replay`.
    pub command: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
    /// The approval policy in force.
    pub policy: &'a str,
    /// Data centre, environment and origin.
    pub target: &'a Target,
    /// How long a call without an answer may still take effect, in milliseconds.
    pub quarantine_ms: u64,
    /// OS account, host and process id.
    pub operator: &'a str,
    /// The arguments, as JSON.
    pub arguments: &'a str,
}

/// What is known about an org before and after the first contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Data centre.
    pub data_center: String,
    /// Environment.
    pub environment: String,
    /// API origin.
    pub api_origin: String,
    /// Zoho's id of the org; `None` before the first contact.
    pub org: Option<String>,
}

impl WriteTx<'_> {
    /// Starts a run. From now on every older run is stale and can write nothing.
    pub fn start_run(&mut self, new: &NewRun<'_>) -> Result<RunId> {
        check_target(&self.tx, new.target)?;
        if let Some(pause) = pausing::pause(&self.tx)? {
            return Err(StoreError::Paused(Box::new(pause)));
        }
        let Sql(run) = self
            .tx
            .query_row("-- next_run\nSELECT coalesce(max(id), 0) + 1 FROM run", [], |row| {
                row.get::<_, Sql<RunId>>(0)
            })
            .doing("numbering a run")?;
        let mut seals = Seals::default();
        let event = RunStarted {
            run,
            command: new.command.to_owned(),
            program: new.program.to_owned(),
            policy: new.policy.to_owned(),
            target: new.target.clone(),
            quarantine_ms: new.quarantine_ms,
            operator: seals.add(self.entropy, "operator", new.operator)?,
            arguments: seals.add(self.entropy, "arguments", new.arguments)?,
        };
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- start_run\nINSERT INTO run (id, started_seq, command, quarantine_ms)
                 VALUES (:id, :seq, :command, :quarantine)",
                named_params! {
                    ":id": Sql(run), ":seq": Sql(seq), ":command": new.command,
                    ":quarantine": count(new.quarantine_ms),
                },
            )
            .doing("starting a run")?;
        Ok(run)
    }

    /// Refuses to go on for a run that a newer one has replaced. Every transaction of a run begins with it.
    pub fn check_run(&self, run: RunId) -> Result<()> {
        let Sql(newest) = self
            .tx
            .prepare_cached("-- check_run\nSELECT coalesce(max(id), 0) FROM run")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, Sql<RunId>>(0)))
            .doing("checking the run")?;
        if newest == run || Mistake::IgnoresTheEpoch.is_made() {
            Ok(())
        } else {
            Err(StoreError::StaleRun { run })
        }
    }

    /// Binds the journal to its org at the first contact; later checks that it is the same one.
    pub fn bind(&mut self, run: RunId, target: &Target, org: RecordId) -> Result<()> {
        self.check_run(run)?;
        check_target(&self.tx, target)?;
        if let Some(bound) = binding(&self.tx)?.and_then(|binding| binding.org) {
            let given = org.to_string();
            if bound == given {
                return Ok(());
            }
            return Err(StoreError::OtherTarget {
                bound: format!("org {bound}"),
                given: format!("org {given}"),
            });
        }
        let mut seals = Seals::default();
        let event = Bound {
            run,
            target: target.clone(),
            org: seals.add(self.entropy, "org", &org.to_string())?,
        };
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- bind\nINSERT INTO binding
                     (one, data_center, environment, api_origin, pinned_seq, bound_seq)
                 VALUES (1, :data_center, :environment, :api_origin, :seq, :seq)
                 ON CONFLICT (one) DO UPDATE SET bound_seq = excluded.bound_seq",
                named_params! {
                    ":data_center": target.data_center.wire_name(),
                    ":environment": target.environment.wire_name(),
                    ":api_origin": target.api_origin.as_str(),
                    ":seq": Sql(seq),
                },
            )
            .map(|_| ())
            .doing("binding the journal to its org")
    }

    /// Records whose token a run uses and how Zoho's clock stands. Before the run's first write.
    pub fn see_user(&mut self, run: RunId, user: Option<RecordId>, offset_ms: i64) -> Result<()> {
        self.check_run(run)?;
        let mut seals = Seals::default();
        let text = user.map(|user| user.to_string());
        let event = UserSeen {
            run,
            user: seals.add_some(self.entropy, "user", text.as_deref())?,
            clock_offset_ms: offset_ms,
        };
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- see_user\nUPDATE run SET user_seq = :seq, clock_offset_ms = :offset
                 WHERE id = :run",
                named_params! {":seq": Sql(seq), ":offset": offset_ms, ":run": Sql(run)},
            )
            .map(|_| ())
            .doing("recording the token's user")
    }

    /// Records what a run read of a module.
    pub fn see_module(
        &mut self,
        run: RunId,
        product: Product,
        module: &ModuleName,
        recycle_bin: Option<bool>,
    ) -> Result<()> {
        self.check_run(run)?;
        let event = ModuleSeen { run, product, module: module.clone(), recycle_bin };
        let seq = self.append(event, Seals::default())?;
        self.tx
            .execute(
                "-- see_module\nINSERT INTO module (product, module, recycle_bin, seq)
                 VALUES (:product, :module, :bin, :seq)
                 ON CONFLICT (product, module) DO UPDATE
                 SET recycle_bin = excluded.recycle_bin, seq = excluded.seq",
                named_params! {
                    ":product": product.wire_name(), ":module": module.as_str(),
                    ":bin": recycle_bin, ":seq": Sql(seq),
                },
            )
            .map(|_| ())
            .doing("recording a module")
    }

    /// Keeps Zoho's id of a request's module with the request, for good.
    pub fn pin_module(
        &mut self,
        run: RunId,
        request: RequestId,
        module_id: RecordId,
    ) -> Result<()> {
        self.check_run(run)?;
        let mut seals = Seals::default();
        let module_id = seals.add(self.entropy, "module_id", &module_id.to_string())?;
        let seq = self.append(RequestPinned { run, request, module_id }, seals)?;
        self.tx
            .execute(
                "-- pin_module\nUPDATE request SET module_seq = :seq
                 WHERE id = :id AND module_seq IS NULL",
                named_params! {":seq": Sql(seq), ":id": Sql(request)},
            )
            .doing("pinning a request")
            .and_then(|rows| match rows {
                1 => Ok(()),
                _ => Err(StoreError::corrupt("request", format!("{request} is pinned already"))),
            })
    }

    /// Sets a request aside after too many refusals in a row.
    pub fn park(&mut self, run: RunId, request: RequestId, refusals: u64) -> Result<()> {
        self.check_run(run)?;
        let seq = self.append(RequestParked { run, request, refusals }, Seals::default())?;
        self.set_parked(request, Some(seq))
    }

    /// Takes a parked request up again, since somebody named it. One that is not parked stays as it is.
    pub fn unpark(&mut self, run: RunId, request: RequestId) -> Result<bool> {
        self.check_run(run)?;
        let parked: Option<Option<i64>> = self
            .tx
            .query_row(
                "-- is_parked\nSELECT parked_seq FROM request WHERE id = :id",
                named_params! {":id": Sql(request)},
                |row| row.get(0),
            )
            .optional()
            .doing("looking at a request")?;
        if parked.flatten().is_none() {
            return Ok(false);
        }
        self.append(RequestUnparked { run, request }, Seals::default())?;
        self.set_parked(request, None)?;
        Ok(true)
    }

    fn set_parked(&self, request: RequestId, seq: Option<EventSeq>) -> Result<()> {
        self.tx
            .execute(
                "-- set_parked\nUPDATE request SET parked_seq = :seq WHERE id = :id",
                named_params! {":seq": seq.map(Sql), ":id": Sql(request)},
            )
            .map(|_| ())
            .doing("parking a request")
    }

    /// Ends a run.
    pub fn end_run(&mut self, run: RunId, exit_code: u8, calls: u64, credits: u64) -> Result<()> {
        self.check_run(run)?;
        let seq = self.append(RunEnded { run, exit_code, calls, credits }, Seals::default())?;
        self.tx
            .execute(
                "-- end_run\nUPDATE run SET ended_seq = :seq, exit_code = :exit_code,
                     calls = :calls, credits = :credits WHERE id = :run",
                named_params! {
                    ":seq": Sql(seq), ":exit_code": exit_code, ":calls": count(calls),
                    ":credits": count(credits), ":run": Sql(run),
                },
            )
            .map(|_| ())
            .doing("ending a run")
    }
}

/// Whom the journal belongs to; `None` before its first request.
pub(crate) fn binding(conn: &Connection) -> Result<Option<Binding>> {
    let row: Option<(Binding, Option<i64>)> = conn
        .query_row(
            "-- binding\nSELECT data_center, environment, api_origin, bound_seq FROM binding",
            [],
            |row| {
                let binding = Binding {
                    data_center: row.get(0)?,
                    environment: row.get(1)?,
                    api_origin: row.get(2)?,
                    org: None,
                };
                Ok((binding, row.get(3)?))
            },
        )
        .optional()
        .doing("reading whom the journal belongs to")?;
    let Some((mut binding, bound)) = row else {
        return Ok(None);
    };
    if let Some(seq) = bound {
        binding.org = log::opened(conn, EventSeq::new(seq), "org")?;
    }
    Ok(Some(binding))
}

impl Store {
    /// Whom the journal belongs to; `None` before its first request.
    pub fn binding(&self) -> Result<Option<Binding>> {
        binding(&self.conn)
    }
}

impl Reader {
    /// Whom the journal belongs to; `None` before its first request.
    pub fn binding(&self) -> Result<Option<Binding>> {
        binding(&self.conn)
    }
}
