//! `journal log`: the events of the append-only log, in order.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::context::Context;
use crate::cli::decisions;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::jobs::ending_in_words;
use crate::cli::output::{Line, Out, Tone};
use crate::cli::things::set_aside_in_words;
use crate::domain::event::{Event, Forgotten, RequestRecorded};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::domain::scope::TagSet;
use crate::store::{Reader, StoreError, StoredEvent};

/// Show the events of the log, in order
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// Begin with this event
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    from: i64,
    /// Only the last so many
    #[arg(long, value_name = "NUMBER")]
    last: Option<u32>,
    /// Only this kind; may be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<String>,
}

/// A kind that no event has would show nothing, as if there were none.
fn kind(text: &str) -> Result<String, String> {
    if Event::KINDS.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("choose one of {}", Event::KINDS.join(", ")))
    }
}

#[derive(Serialize)]
struct EventLine<'a> {
    r#type: &'static str,
    seq: i64,
    leaf: Hash,
    event: &'a RawValue,
}

impl LogArgs {
    /// Runs the command.
    pub(crate) fn run(self, context: &mut Context) -> Result<Exit, CliError> {
        let reader = context.reader()?;
        let out = &mut context.out;
        let mut last = VecDeque::new();
        let wide = self.widest();
        let keep = self.last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
        reader.events_from(EventSeq::new(self.from), |event| {
            if !self.wants(&event) {
                return Ok(());
            }
            match keep {
                None => show(out, &reader, &event, wide),
                Some(keep) => {
                    last.push_back(event);
                    while last.len() > keep {
                        last.pop_front();
                    }
                    Ok(())
                }
            }
        })?;
        for event in last {
            show(out, &reader, &event, wide)?;
        }
        out.flush()?;
        Ok(Exit::Done)
    }

    /// How wide the names are of the kinds that may come.
    fn widest(&self) -> usize {
        let wanted =
            |kind: &&&str| self.kinds.is_empty() || self.kinds.iter().any(|one| one == **kind);
        Event::KINDS.iter().filter(wanted).map(|kind| kind.len()).max().unwrap_or(0)
    }

    fn wants(&self, event: &StoredEvent) -> bool {
        self.kinds.is_empty()
            || event
                .decode()
                .is_ok_and(|logged| self.kinds.iter().any(|kind| kind == logged.event.kind()))
    }
}

/// `wide` is the width of the column of kinds.
fn show(out: &mut Out, reader: &Reader, event: &StoredEvent, wide: usize) -> Result<(), CliError> {
    let seq = event.seq.get();
    if out.is_json() {
        let body: &RawValue = serde_json::from_slice(&event.body).map_err(|error| {
            CliError::from(StoreError::Corrupt { table: "event", what: format!("{seq}: {error}") })
        })?;
        out.json_row(&EventLine { r#type: "event", seq, leaf: event.leaf, event: body })?;
        return Ok(());
    }
    let line = match event.decode() {
        Ok(logged) => {
            let opened = reader.opened_seals(event.seq)?;
            Line::new()
                .toned(Tone::Faint, format!("{seq:>7}  {}  ", logged.at))
                .toned(Tone::Strong, format!("{:<wide$}  ", logged.event.kind()))
                .text(in_words(&logged.event, &opened))
        }
        Err(error) => Line::new()
            .toned(Tone::Faint, format!("{seq:>7}  "))
            .toned(Tone::Warn, error.to_string()),
    };
    Ok(out.data_row(line)?)
}

/// An event on one line. `opened` are its sealed fields, as far as they were not erased.
fn in_words(event: &Event, opened: &BTreeMap<String, String>) -> String {
    let seal = |field: &str| opened.get(field).map_or("(erased)", String::as_str);
    match event {
        Event::JournalCreated(_)
        | Event::KeyReplaced(_)
        | Event::SchemaUpgraded(_)
        | Event::Adopted(_)
        | Event::Moved(_)
        | Event::Arrived(_) => journal_in_words(event, seal),
        Event::RequestRecorded(event) => {
            let ticket = opened.get("ticket").map(|ticket| format!(" ({ticket})"));
            format!(
                "{}: {} {} of {}{} for {}: {}{}",
                event.request,
                event.operation,
                event.entries,
                event.module,
                about(event, opened),
                seal("requested_by"),
                seal("reason"),
                ticket.unwrap_or_default()
            )
        }
        Event::NothingRecorded(event) => format!(
            "{} of {}: all {} rows were covered already",
            event.operation, event.module, event.duplicates
        ),
        Event::RunStarted(_) | Event::Bound(_) | Event::UserSeen(_) | Event::ModuleSeen(_) => {
            contact_in_words(event, seal)
        }
        Event::RequestParked(event) => {
            format!("{} {}", event.request, set_aside_in_words(event.refusals))
        }
        Event::RequestUnparked(event) => format!("{} taken up again", event.request),
        Event::RequestPinned(event) => {
            format!("{}: its module has the id {}", event.request, seal("module_id"))
        }
        Event::JobEnded(event) => {
            let counts = [event.total, event.deleted, event.failed];
            format!("the job of {} {}", event.batch, ending_in_words(event.ending, counts))
        }
        Event::Forgotten(event) => forgotten_in_words(event, opened),
        Event::RunEnded(event) => format!(
            "{}: exit code {}, {} calls, {} credits",
            event.run, event.exit_code, event.calls, event.credits
        ),
        Event::RequestApproved(_)
        | Event::RequestRejected(_)
        | Event::ApprovalNeeded(_)
        | Event::EntriesCancelled(_)
        | Event::Paused(_)
        | Event::Resumed(_)
        | Event::HoldPlaced(_)
        | Event::EntriesHeld(_)
        | Event::HoldReleased(_)
        | Event::PolicySet(_)
        | Event::PolicyApproved(_)
        | Event::PolicyRejected(_) => decisions::in_words(event, opened),
        Event::BatchBegun(_)
        | Event::BatchAnswered(_)
        | Event::BatchUnanswered(_)
        | Event::BatchReturned(_)
        | Event::EvidenceRead(_)
        | Event::SnapshotTaken(_)
        | Event::EntriesRechecked(_)
        | Event::EntriesSettled(_)
        | Event::FullSnapshotTaken(_)
        | Event::FullSnapshotsShredded(_)
        | Event::EntriesReopened(_) => entries_in_words(event, opened),
    }
}

fn forgotten_in_words(event: &Forgotten, opened: &BTreeMap<String, String>) -> String {
    let seal = |field: &str| opened.get(field).map_or("(erased)", String::as_str);
    let ticket = opened.get("ticket").map(|ticket| format!(" ({ticket})")).unwrap_or_default();
    let (who, why) = (seal("forgotten_by"), seal("reason"));
    format!("{} forgotten by {who}: {why}{ticket}", event.entries.named())
}

/// What the operation is about beside its records: tags, the related list, whether a snapshot is made.
fn about(event: &RequestRecorded, opened: &BTreeMap<String, String>) -> String {
    let mut about = String::new();
    if event.tags.is_some() {
        let tags = opened.get("tags").and_then(|tags| TagSet::from_json(tags));
        let tags = tags.map_or_else(|| "(erased)".to_owned(), |tags| tags.to_string());
        about.extend([", tags ", &tags]);
    }
    if let Some(list) = &event.related_list {
        about.extend([", list ", list.as_str()]);
    }
    if event.full_retention_ms.is_some() {
        about.push_str(", with full snapshots");
    }
    if event.snapshot == Some(false) {
        about.push_str(", without a snapshot");
    }
    about
}

/// The start of a run, and what it learned of Zoho.
fn contact_in_words<'a>(event: &Event, seal: impl Fn(&str) -> &'a str) -> String {
    if let Event::RunStarted(event) = event {
        format!("{}: {} by {}", event.run, event.command, operator(seal("operator")))
    } else if let Event::Bound(event) = event {
        let target = &event.target;
        let (environment, data_center) = (target.environment, target.data_center);
        let (org, origin) = (seal("org"), &target.api_origin);
        format!("org {org}, {environment}, data centre {data_center}, {origin}")
    } else if let Event::UserSeen(event) = event {
        match event.user {
            Some(_) => format!("{}: Zoho's user {}", event.run, seal("user")),
            None => format!("{}: Zoho's user could not be read", event.run),
        }
    } else if let Event::ModuleSeen(event) = event {
        let bin = match event.recycle_bin {
            Some(true) => "has a recycle bin",
            Some(false) => "has no recycle bin",
            None => "could not be read",
        };
        format!("{}: {} {bin}", event.run, event.module)
    } else {
        event.kind().to_owned()
    }
}

/// Events about the journal itself.
fn journal_in_words<'a>(event: &Event, seal: impl Fn(&str) -> &'a str) -> String {
    if let Event::JournalCreated(event) = event {
        format!("journal {} by {}", event.journal, seal("created_by"))
    } else if let Event::KeyReplaced(event) = event {
        let why = match (&event.handover, event.reason) {
            (Some(_), Some(_)) => format!(", signed over by the old one: {}", seal("reason")),
            _ => ", the old one was lost".to_owned(),
        };
        format!("new signing key by {}{why}", seal("replaced_by"))
    } else if let Event::SchemaUpgraded(event) = event {
        format!("schema {} to {} by {}", event.from, event.to, seal("upgraded_by"))
    } else if let Event::Adopted(event) = event {
        let read = event.entries.as_ref();
        let read = read.map(|entries| format!("; to be read: {}", entries.named()));
        format!(
            "journal {} from here on ({}), adopted by {}: {}{}",
            event.journal,
            event.cause,
            seal("adopted_by"),
            seal("reason"),
            read.unwrap_or_default()
        )
    } else if let Event::Moved(_) = event {
        format!("closed by {}, moved to {}", seal("moved_by"), seal("destination"))
    } else if let Event::Arrived(_) = event {
        format!("goes on where it was moved to, by {}", seal("arrived_by"))
    } else {
        event.kind().to_owned()
    }
}

/// Who ran it, from the sealed JSON; as it stands, where it is none.
fn operator(sealed: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Operator {
        account: String,
        uid: u32,
        host: String,
        pid: u32,
    }
    serde_json::from_str(sealed).map_or_else(
        |_| sealed.to_owned(),
        |Operator { account, uid, host, pid }| {
            format!("{account} (uid {uid}) on {host}, process {pid}")
        },
    )
}

/// Events that move entries.
fn entries_in_words(event: &Event, opened: &BTreeMap<String, String>) -> String {
    let detail = opened.get("detail").filter(|detail| !detail.is_empty());
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    let groups = |groups: Vec<String>| groups.join("; ");
    if let Event::BatchBegun(event) = event {
        // A body stands below the line of its call.
        let call = event.template.replace('\n', " ");
        format!("{}: {call} with {}", event.batch, event.entries.named())
    } else if let Event::BatchAnswered(event) = event {
        let told = event.groups.iter().map(|group| {
            format!("{} {} {}", group.entries.named(), group.outcome, group.code)
                .trim_end()
                .to_owned()
        });
        let job = opened.get("job").map(|job| format!(", job {job}")).unwrap_or_default();
        format!("{}: HTTP {}{job}: {}", event.batch, event.http_status, groups(told.collect()))
    } else if let Event::BatchUnanswered(event) = event {
        format!("{}: {} for {}{detail}", event.batch, event.reason, event.entries.named())
    } else if let Event::BatchReturned(event) = event {
        format!("{}: {}, {} go back{detail}", event.batch, event.reason, event.entries.named())
    } else if let Event::EvidenceRead(event) = event {
        let told = event.groups.iter().map(|group| {
            format!("{} {} {}", group.entries.named(), group.verdict, group.code)
                .trim_end()
                .to_owned()
        });
        format!("{}: {}", event.module, groups(told.collect()))
    } else if let Event::SnapshotTaken(event) = event {
        let absent = event.absent.as_ref();
        let absent =
            absent.map(|absent| format!("; {} never there", absent.named())).unwrap_or_default();
        format!("{}: read {} before the call{absent}", event.module, event.entries.named())
    } else if let Event::FullSnapshotTaken(event) = event {
        let (module, entries) = (&event.module, event.entries.named());
        format!("{module}: {entries} kept whole, encrypted, until {}", event.until)
    } else if let Event::FullSnapshotsShredded(event) = event {
        let seal = |field: &str| opened.get(field).map_or("(erased)", String::as_str);
        let why = match (event.due, event.reason) {
            (_, Some(_)) => seal("reason"),
            (true, None) => "its time was over",
            (false, None) => "",
        };
        let ticket = opened.get("ticket").map(|ticket| format!(" ({ticket})")).unwrap_or_default();
        let (entries, who) = (event.entries.named(), seal("shredded_by"));
        format!("full snapshots of {entries} shredded by {who}: {why}{ticket}")
    } else if let Event::EntriesRechecked(event) = event {
        let told = event.groups.iter().map(|one| format!("{} {}", one.entries.named(), one.found));
        format!("{}: looked again: {}", event.module, groups(told.collect()))
    } else if let Event::EntriesSettled(event) = event {
        let seal = |field: &str| opened.get(field).map_or("(erased)", String::as_str);
        let ticket = opened.get("ticket").map(|ticket| format!(" ({ticket})")).unwrap_or_default();
        let (who, why) = (seal("settled_by"), seal("reason"));
        format!("{} settled as {} by {who}: {why}{ticket}", event.entries.named(), event.verdict)
    } else if let Event::EntriesReopened(event) = event {
        let again = event.entries.as_ref();
        let again = again.map(|entries| format!("{} may be sent again", entries.named()));
        let unread = event.unread.as_ref();
        let unread = unread.map(|entries| format!("{} to be read first", entries.named()));
        groups(again.into_iter().chain(unread).collect())
    } else {
        event.kind().to_owned()
    }
}
